"""Tests of the receipt, its keys and its trust stores."""
