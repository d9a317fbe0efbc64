"""Journeys over real sockets."""
