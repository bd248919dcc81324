"""Intents and the verdict on them."""
