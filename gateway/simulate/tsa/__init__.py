"""A time-stamping authority for development: it stamps rightly, or wrongly in a way that was ordered."""
