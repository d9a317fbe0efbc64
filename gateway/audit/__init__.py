"""Examining what the gateway wrote: from the bytes on disk, not from what a running part remembers."""
