"""What vendors copy is run against a real gateway, and the ledger says what arrived."""
