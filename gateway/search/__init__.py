"""Finding lines of the ledger: a filter as one value, its pages and counts, exports, and views that people keep."""
