"""One module per generated page; each makes text from what the code registers and touches no file."""
