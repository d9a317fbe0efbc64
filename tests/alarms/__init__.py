"""Alarms to the people who look after the gateway."""
