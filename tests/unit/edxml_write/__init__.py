"""Tests of what the gateway writes as edXML."""
