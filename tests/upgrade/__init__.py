"""Data folders of earlier releases, opened by this one."""
