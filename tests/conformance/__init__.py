"""The conformance kit, run as vendors run it."""
