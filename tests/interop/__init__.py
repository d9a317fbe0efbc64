"""What other people's verifiers say of our evidence: real runs, and the page about them."""
