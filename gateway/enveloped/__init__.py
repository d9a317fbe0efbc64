"""Files encrypted for whoever holds a certificate's key: envelopes of CMS, written, read at their head, and opened.

The gateway only reads heads. Senders write and receivers open, with `gateway encrypt`, `gateway decrypt`, the
client, or `openssl cms` (docs/end-to-end.md). Nothing here knows edXML, a database or a network.
"""
