"""Witnesses: judging, remembering, and never cosigning two histories."""
