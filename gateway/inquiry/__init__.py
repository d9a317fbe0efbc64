"""Asking the ledger as an inspector does: is there this document, what became of it, and how well is that proved.

`finding` reads, `grades` says how strong the evidence is (pure), `telling` says it in sentences (pure).
See docs/inquiry.md.
"""
