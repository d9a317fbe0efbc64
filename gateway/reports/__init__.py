"""Reports over a period: what was issued and received, what became of it, how long it took, and what is late.

`figures` adds cells of the ledger up (pure), `making` reads them and gives names, `book` writes a workbook,
`words` says what figures are called. See docs/reports.md.
"""
