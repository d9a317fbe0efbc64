"""Copies of the data folder and the way back: made, verified, restored, practised. See docs/backup.md."""
