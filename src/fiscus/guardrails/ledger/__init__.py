"""The spend ledger: money reserved over every covering budget at once, settled at the real amount, never freed by doubt."""
