"""Marketplaces: who sells, who operates and who invoices, and the same spend that two feeds show, counted once."""
