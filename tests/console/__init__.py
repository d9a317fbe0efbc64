"""Tests of the console: without a browser where that does, with one where scripts matter."""
