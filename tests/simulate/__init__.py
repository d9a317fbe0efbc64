"""Simulators as processes, over real sockets."""
