"""The ledger's operations, on real SQLite through the real pump."""
