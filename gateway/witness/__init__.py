"""A witness of transparency logs, as a process of its own: see docs/witness.md. Knows no ledger."""
