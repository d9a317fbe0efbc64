"""Copies of the data folder and the way back."""
