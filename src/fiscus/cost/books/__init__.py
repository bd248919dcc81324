"""The books: what was reported of a month, what was corrected since, and what the invoices say."""
