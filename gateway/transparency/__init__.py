"""The arithmetic of a transparency log: tree, tiles, notes, checkpoints, proofs. Knows nothing of the gateway."""
