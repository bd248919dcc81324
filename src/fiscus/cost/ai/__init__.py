"""AI usage in money: meters, dated token prices, calls and the charges that they become. Pure."""
