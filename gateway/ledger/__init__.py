"""What is stored about messages and their deliveries: small sets of operations, each with its named statements.

Operations run inside the pump and take many payloads at once; reads go to the read-only connections. A
transition and its event are written by the same operation, so that history cannot be forgotten.
"""
