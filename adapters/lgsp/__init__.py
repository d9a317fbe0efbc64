"""A provincial facade (LGSP, EDOC) in front of the axis: login for a token, three headers, JSON and multipart.

`settings` reads the endpoint, `session` logs in and calls, `reply` reads answers, `adapter` sends, `source`
lists, fetches and settles. What is called and what comes back follows one province's integration guide, version
2.2, and a client written after it; no other province was seen. Where the guide is silent or contradicts that
client, the module says what was assumed, and a setting decides where it can.
"""
