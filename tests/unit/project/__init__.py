"""The project looks at itself: its checks, import contracts, generated pages and state machine."""
