"""The transparency log: its arithmetic, its sequencer, what fsck finds."""
