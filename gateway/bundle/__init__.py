"""The evidence bundle as a file: its names, its container, its manifest. Knows nothing of the ledger."""
