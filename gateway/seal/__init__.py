"""Seals: keys, trust stores, the receipt's writer and its offline verifier."""
