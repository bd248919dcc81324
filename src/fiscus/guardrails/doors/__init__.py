"""Doors to a decision that need more than an intent: what is asked is first held against what the bills know."""
