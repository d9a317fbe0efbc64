"""Background duties: one per file, `run_once()` apart from its loop, started by `gateway.maintenance.start`."""
