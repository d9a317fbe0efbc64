"""Named statements, one file per module of the ledger."""
