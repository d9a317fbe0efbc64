"""Bundles of evidence and what verifies them."""
