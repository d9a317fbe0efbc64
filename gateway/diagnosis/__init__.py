"""What `check` and `doctor` look at before and while the gateway runs."""
