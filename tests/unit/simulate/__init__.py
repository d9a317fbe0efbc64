"""The demo's simulators and its arithmetic."""
