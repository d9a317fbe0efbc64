"""The storage engine on real files: SQLite, pump, migrations, bodies, kills."""
