"""Signatures that others made: found, verified and reported; nothing here is ours to trust beforehand."""
