"""Every parser that meets foreign bytes, given bytes that nobody wrote."""
