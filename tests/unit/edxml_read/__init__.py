"""Tests of reading edXML."""
