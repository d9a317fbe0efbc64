"""Tests of files encrypted for certificates."""
