"""A provincial facade (LGSP) to connect to: a server of its own, with memory, real TLS and faults to order.

`starting` makes a folder for a first run, `settings` reads it, `server` speaks HTTP, `tokens` issues and judges
tokens, `desk` does what a call asks for, `store` remembers, `faults` misbehaves on order, `process` runs it all.
It shares no code with the gateway's own connector: the two are opinions about the same guide. What a province's
facade does beyond that guide is not known, and not played.
"""
