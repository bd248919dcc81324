"""Shared cost handed on to those for whom it is spent: rules, exact shares, chains and the SQL that splits charges."""
