"""Coverage, utilisation, savings rate and break-even of commitments, from sums of charges. Pure; of one currency.

- coverage = on-demand cost of covered usage / on-demand cost of eligible usage (FinOps Framework, Rate Optimization);
- utilisation = EffectiveCost of Used / of Used and Unused (FOCUS, CommitmentDiscountStatus);
- effective savings rate = 1 - what is paid / what the same usage costs at on-demand list prices (FinOps Foundation, "How to
  Calculate Effective Savings Rate"); beside it the same against contracted prices (FOCUS use case "Determine Effective Savings
  Rate": (ContractedCost - EffectiveCost) / ContractedCost), which leaves out the discount that was negotiated anyway;
- break-even utilisation = EffectiveCost of Used / on-demand cost of what it covers: used less, it costs more than it saves;
- break-even months = everything owed over the term / on-demand cost of what it covers in a month.
On demand is ContractedCost, ListCost where a row has none. Usage without either has no on-demand cost: it is left out of savings
and coverage, and its money is said (`unpriced`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from fiscus.kernel.money import EXACT, ZERO, total

_PERCENT: Final = Decimal("0.1")
_MONTHS: Final = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class UseGroup:
    """Sums over charges that are alike. `commitment` '' is usage that one could cover and none does.

    `on_demand`, `listed`: what they cost without a commitment, contracted and list. `unpriced`: EffectiveCost of those of them
    that have no such price.
    """

    provider: str
    service: str
    owner: str
    team: str
    commitment: str
    status: Literal["Used", "Unused", ""]
    effective: Decimal
    on_demand: Decimal
    listed: Decimal
    unpriced: Decimal


@dataclass(frozen=True, slots=True)
class UseFigures:
    """Money over the window. Percentages have one decimal; None where there is nothing to divide by."""

    eligible: Decimal
    covered: Decimal
    used: Decimal
    unused: Decimal
    uncovered: Decimal
    saved: Decimal
    unpriced: Decimal
    coverage: Decimal | None
    utilisation: Decimal | None
    esr: Decimal | None
    esr_over_contract: Decimal | None
    break_even_utilisation: Decimal | None

    @property
    def cost(self) -> Decimal:
        """Used and Unused."""
        return EXACT.add(self.used, self.unused)


def figures(groups: Iterable[UseGroup]) -> UseFigures:
    """The figures over all `groups` together, commitments and what they leave uncovered."""
    parts = list(groups)
    used, unused, bare = ([one for one in parts if one.status == status] for status in ("Used", "Unused", ""))
    covered, open_cost = _sum(used, "on_demand"), _sum(bare, "on_demand")
    unpriced = _sum(used, "unpriced")
    paid_used = EXACT.subtract(_sum(used, "effective"), unpriced)
    paid_bare = EXACT.subtract(_sum(bare, "effective"), _sum(bare, "unpriced"))
    wasted = _sum(unused, "effective")
    paid = total([paid_used, wasted, paid_bare])
    listed = EXACT.add(_sum(used, "listed"), _sum(bare, "listed"))
    eligible = EXACT.add(covered, open_cost)
    return UseFigures(
        eligible=eligible,
        covered=covered,
        used=_sum(used, "effective"),
        unused=wasted,
        uncovered=open_cost,
        saved=EXACT.subtract(covered, EXACT.add(paid_used, wasted)),
        unpriced=unpriced,
        coverage=percent(covered, eligible) if covered or not unpriced else None,
        utilisation=percent(_sum(used, "effective"), EXACT.add(_sum(used, "effective"), wasted)),
        esr=percent(EXACT.subtract(listed, paid), listed),
        esr_over_contract=percent(EXACT.subtract(eligible, paid), eligible),
        break_even_utilisation=percent(paid_used, covered),
    )


def percent(part: Decimal, whole: Decimal) -> Decimal | None:
    """`part` of `whole` in per cent, one decimal, half-even; None where `whole` is not more than nothing."""
    if whole <= ZERO:
        return None
    return EXACT.multiply(EXACT.divide(part, whole), Decimal(100)).quantize(_PERCENT, context=EXACT)


def break_even_months(owed: Decimal, on_demand_a_month: Decimal) -> Decimal | None:
    """After how many months what is covered would have cost as much on demand as everything owed. None: never."""
    if on_demand_a_month <= ZERO or owed <= ZERO:
        return None
    return EXACT.divide(owed, on_demand_a_month).quantize(_MONTHS, context=EXACT)


def _sum(groups: Iterable[UseGroup], name: str) -> Decimal:
    return total([getattr(one, name) for one in groups])
