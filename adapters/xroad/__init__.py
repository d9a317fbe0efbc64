"""X-Road, by its message protocol for REST: documents for others go out through our own security server.

What is cited as `[PR-REST 4.3]` is the protocol's specification; names of errors that it does not list are those
of the security server's published source. Nothing here was run against a real security server.
"""
