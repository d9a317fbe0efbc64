"""Tests that break a running gateway on purpose and look at what is left."""
