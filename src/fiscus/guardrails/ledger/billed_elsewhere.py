"""Money that a bill has, and not where it was spent: a vendor's bill knows neither our keys nor, always, our teams.

A day that is billed counts as actual in the scopes that the bill's own charges fall into. An account whose scope they do not fall
into would have its money back, and could spend it again. So it goes on counting, as far as the bill confirms it.
"""

from __future__ import annotations


def billed_elsewhere(settled: int, billed: int, counted: tuple[int, int]) -> int:
    """What of `settled` (one account, provider and day) goes on counting beside the `billed` in its scope. All in nano-units.

    `counted`: what the gateway counted of the provider on that day, and what the vendor billed, over all scopes. A bill that is
    lower than what was counted lowers every account's part of it: the estimate is replaced, never added. Exact to the nano-unit:
    what a vendor rounds off in a scope, a nano-unit a call at most, counts on there rather than be free.
    """
    here, there = counted
    if here <= 0 or there <= 0:
        return 0
    confirmed = -(-min(settled, here) * min(there, here) // here)
    return max(0, confirmed - billed)
