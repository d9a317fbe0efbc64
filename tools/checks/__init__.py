"""The checks that ruff and mypy cannot make: one module each; `problems(root)` gives sentences that say what to do.

Each takes the root of a tree and reads it as text, so that a test can show it a small bad tree and see it fail.
`python -m tools.checks` runs them all over this project.
"""
