"""Alarms to the people who look after the gateway: what they are about, and how they are told."""
