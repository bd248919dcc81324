"""Policies and budgets from where a company kept them before: translated where they mean the same, named where they do not."""
