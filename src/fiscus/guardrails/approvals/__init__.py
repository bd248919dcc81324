"""Yes or no to a spend that was asked for: bound to exactly what was asked, given by somebody else, worth one use."""
