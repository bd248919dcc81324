"""Every charge gets an owner, or is counted as unowned."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from fiscus.flows.workspace import Workspace
from fiscus.kernel.actor import FISCUS
from fiscus.kernel.money import display, total
from fiscus.ownership.assign import assignment_query, assignment_rows
from fiscus.ownership.gateway_rule import with_gateway
from fiscus.ownership.owned_totals import owned_totals
from fiscus.ownership.types import UNOWNED


@dataclass(frozen=True, slots=True)
class AssignmentSummary:
    """What one assignment run found, per currency of EffectiveCost. `rules_unused` fired for no charge."""

    keys: int
    owned: Mapping[str, Decimal]
    unowned: Mapping[str, Decimal]
    rules_fired: Mapping[str, int]
    rules_unused: tuple[str, ...]
    lake_version: str

    def sentences(self) -> Sequence[str]:
        """One line a currency."""
        return [
            f"{currency} {display(self.owned[currency] + self.unowned[currency])} in the lake: "
            f"{display(self.owned[currency])} owned, {display(self.unowned[currency])} unowned."
            for currency in sorted(self.owned)
        ]


def assign_owners(ws: Workspace) -> AssignmentSummary:
    """Judge every distinct key by the rules as they are now and write the assignments table, if anything changed."""
    config = ws.config
    rules = with_gateway(config.rules)
    query = assignment_query(rules, config.directory, ws.as_of)
    found = ws.lake.assignment_keys(query.sql, query.params)
    rows = assignment_rows(found, rules, config.directory, ws.as_of)
    before = ws.lake.version()
    version = ws.lake.write_assignments(rows, config.rules.digest)
    lines = owned_totals(ws.lake)
    currencies = {line.currency for line in lines}
    fired: dict[str, int] = {}
    for row in rows.rows:
        fired[str(row[-1])] = fired.get(str(row[-1]), 0) + 1
    summary = AssignmentSummary(
        keys=len(rows),
        owned={
            c: total([x.effective_cost for x in lines if x.currency == c and x.owner != UNOWNED]) for c in currencies
        },
        unowned={
            c: total([x.effective_cost for x in lines if x.currency == c and x.owner == UNOWNED]) for c in currencies
        },
        rules_fired=fired,
        rules_unused=tuple(rule.id for rule in config.rules.rules if rule.id not in fired),
        lake_version=str(version),
    )
    if version != before:
        with ws.state.begin() as tx:
            body = {
                "keys": summary.keys,
                "owned": summary.owned,
                "unowned": summary.unowned,
                "rules": config.rules.digest,
            }
            tx.evidence.append("owners.assigned", summary.lake_version, FISCUS, body)
    return summary
