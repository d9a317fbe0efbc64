"""Foreign signatures: XML, PDF, CMS; made here, verified by `gateway.signatures`."""
