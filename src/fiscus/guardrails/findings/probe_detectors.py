"""Does a detector still detect? It is asked about known charges that take the place of the bills; the answer is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Final

from fiscus.guardrails.findings.detect_series import (
    COMMITMENT_EXPIRED,
    PRICE_CHANGE,
    detect_series,
    detector_query,
    setting,
)
from fiscus.guardrails.policies.policy_set import CompiledPolicy
from fiscus.kernel.money import EXACT
from fiscus.kernel.rows import Query, Rows
from fiscus.kernel.sql_text import sql_text

# Detector -> (the finding's parameter that names its subject, what must be found and nothing else).
EXPECTED: Final = {PRICE_CHANGE: ("sku", "rises"), COMMITMENT_EXPIRED: ("commitment", "ends")}
_HUNDRED: Final = Decimal(100)


def probe_query(compiled: CompiledPolicy, as_of: date) -> Query:
    """The detector's own query, with its own settings, over known charges up to `as_of`: a CTE takes the name of the view."""
    query = detector_query(compiled, as_of)
    name = str(compiled.policy.detector)
    params = dict(query.params)
    if name == PRICE_CHANGE:  # a rise that is just large enough to be told
        rise = EXACT.add(setting(compiled, "percent_min"), Decimal(1))
        params["probe_price"] = EXACT.add(Decimal(1), EXACT.divide(rise, _HUNDRED))
    known = sql_text("fiscus.guardrails", f"probe_{name}")
    return Query(query.sql.replace("WITH ", known, 1), params)


def probe_failures(compiled: CompiledPolicy, rows: Rows, as_of: date) -> tuple[str, ...]:
    """What is wrong with the answer; empty when the detector found what it must and left alone what it must."""
    free = replace(compiled, policy=replace(compiled.policy, min_amount=Decimal(0)))
    key, wanted = EXPECTED[str(compiled.policy.detector)]
    found = sorted(str(finding.params[key]) for finding in detect_series(free, rows, as_of, "probe"))
    if found == [wanted]:
        return ()
    return (
        f"{compiled.policy.file}, line {compiled.policy.line}: expected {wanted}, found {', '.join(found) or 'nothing'}",
    )
