"""Accounts: the credentials by which systems are known, how they get them and how they lose them."""
