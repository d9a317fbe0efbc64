"""Tests of the parsers' processes."""
