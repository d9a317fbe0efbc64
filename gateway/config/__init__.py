"""The settings: frozen, checked; an unknown key refuses to start."""
