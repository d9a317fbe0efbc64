"""The storage engine: connections, pump, readers, migrations, bodies; nothing else opens a database."""
