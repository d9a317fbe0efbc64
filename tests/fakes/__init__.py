"""Verified fakes of the ports."""
