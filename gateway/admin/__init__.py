"""What operators do: the Unix socket and one module per kind of act."""
