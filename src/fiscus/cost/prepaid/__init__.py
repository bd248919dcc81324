"""Prepaid balances: credits, tokens, DBUs and money paid in advance; bought once, drawn down once."""
