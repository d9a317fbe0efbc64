"""A national axis (VXP) to connect to: a server of its own, with memory, real TLS and faults to order.

`process` builds it, `server` speaks HTTP, `signing` judges a call's headers, `operations` does what a call asks
for, `store` remembers (SQLite, one writer), `agencies` is the catalogue, `faults` misbehaves on order, `control`
is where orders come in, `answers` plays the offices behind the axis. It shares no code with the gateway's own
connector: the two are opinions about the same protocol, of which no public specification exists.
"""
