"""Tests of REST v1: over TLS on loopback, the gateway behind it in memory."""
