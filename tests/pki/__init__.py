"""The test PKI: `members.toml` declares it, `build` makes it, the same bytes every time."""
