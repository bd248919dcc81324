"""The policy language: typed facts, conditions checked once, two compilers from one tree."""
