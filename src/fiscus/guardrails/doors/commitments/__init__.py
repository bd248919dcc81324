"""Door 4: commitments, judged on the usage that the bills know."""
