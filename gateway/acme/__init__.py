"""The server's certificate from a CA that speaks ACME [RFC 8555]: `order.py` gets it, `fit.py` judges it."""
