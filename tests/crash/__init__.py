"""What is left after the worst moment: a power cut."""
