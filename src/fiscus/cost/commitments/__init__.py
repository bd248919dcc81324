"""Commitments on the bills: what they cost, cover, waste and save, and whether their amortisation ties to their purchases."""
