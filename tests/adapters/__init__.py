"""Every adapter against one conformance suite, and the webhook against a receiver that misbehaves."""
