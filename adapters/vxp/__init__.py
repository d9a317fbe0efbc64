"""The national axis (VXP) as its vendor's SDK speaks to it: for now the reading half.

`wire` signs calls, `reply` reads answers, `reader` is the `Source`. What is sent and what comes back was seen on
the wire of the vendor's Java SDK 2.0.1 against a local stub, and in clients of several integrators; there is no
public specification. Where these differ from each other, the module says which was followed.
"""
