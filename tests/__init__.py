"""Tests; see `gateway/DESIGN.md` for what each promise's test is."""
