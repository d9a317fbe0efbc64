"""The project's own chores: checks, generated pages, test vectors. Not part of the package that is installed."""
