"""Migrations of the state store, applied in order when it is opened."""
