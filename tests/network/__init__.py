"""The network that fails: gateway, axis, offices and clients in network namespaces of their own."""
