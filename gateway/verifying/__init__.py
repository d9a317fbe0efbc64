"""The auditors' verifier: a bundle, the anchors given beside it, and nothing else; no network, no database."""
