"""Destroying bodies on schedule or by order: the rules, and the list that outlives the ledger."""
