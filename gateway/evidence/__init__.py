"""Makes and gathers proof: leaves, stamps, cosignatures, registers, and what a bundle is made of."""
