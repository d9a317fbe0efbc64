"""The directory of agencies: dated codes, names, representation, endpoints; searches and imports."""
