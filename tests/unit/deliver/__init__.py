"""Delivering: retry, windows, one try, the worker; in simulated time."""
