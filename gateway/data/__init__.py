"""Data that comes with the package, and what builds directories from it."""
