"""Money, periods, clock, ids, errors, limits and the nouns that cross floors. Imports nothing of ours, does no I/O."""
