"""The gateway: receives, checks, seals, records and forwards official documents between agencies."""

__version__ = "0.1.0"
