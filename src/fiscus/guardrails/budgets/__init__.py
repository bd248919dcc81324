"""Budgets: files, where each stands, what is found in that."""
