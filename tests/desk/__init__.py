"""The clerk's desk over a running gateway."""
