"""What was corrected of months that were closed: as reported, the correction, as restated; a restatement is a finding."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, cast

from fiscus.cost.books.types import CorrectionLine
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.types import Finding
from fiscus.kernel.ids import content_id
from fiscus.kernel.money import ZERO, display
from fiscus.kernel.periods import Month
from fiscus.kernel.rows import Query
from fiscus.kernel.sql_text import sql_text

KIND: Final = "restatement"


@dataclass(frozen=True, slots=True)
class CorrectionsShown:
    """The closed months, newest first, each by source and currency."""

    lines: tuple[CorrectionLine, ...]
    lake_version: str
    query: Query

    @property
    def corrected(self) -> tuple[CorrectionLine, ...]:
        return tuple(line for line in self.lines if is_corrected(line))

    def sentences(self) -> Sequence[str]:
        """One a correction."""
        if not self.lines:
            return ["No month is closed: `fiscus close PERIOD --as PERSON` signs one."]
        return [_sentence(line) for line in self.corrected] or [
            "Every closed month still says what it said when it was closed."
        ]


def show_corrections(ws: Workspace) -> CorrectionsShown:
    """Every closed month of every source as reported and restated."""
    query = Query(sql_text("fiscus.cost", "corrections_of_closed"), {})
    version = ws.lake.version()
    rows = ws.lake.query(query.sql).rows if version.closes >= 0 else ()
    return CorrectionsShown(
        tuple(CorrectionLine(*row) for row in cast("Sequence[tuple[Any, ...]]", rows)), str(version), query
    )


def is_corrected(line: CorrectionLine) -> bool:
    """Whether the month says something else than was reported."""
    return bool(line.correction_billed or line.correction_effective) or line.reported_rows != line.restated_rows


def restatement_findings(ws: Workspace) -> list[Finding]:
    """One a source, month and currency of which a closed month now says something else."""
    shown = show_corrections(ws)
    return [_finding(ws, shown, line) for line in shown.corrected]


def _finding(ws: Workspace, shown: CorrectionsShown, line: CorrectionLine) -> Finding:
    month, team = Month.parse(line.billing_month), ws.config.directory.default_pool
    who = "was signed" if line.closed == "signed" else "the vendor closed it"
    return Finding(
        id=content_id("fnd", KIND, line.source, line.billing_month, line.currency),
        kind=KIND,
        policy_id="restatement",
        policy_version="1",
        level="warn",
        title=_sentence(line),
        detail=(
            f"When {line.billing_month} {who}, {line.source} said {display(line.reported_billed)} {line.currency} billed and "
            f"{display(line.reported_effective)} effective in {line.reported_rows:,} charges. Now it says "
            f"{display(line.restated_billed)} and {display(line.restated_effective)} in {line.restated_rows:,}. Reports of the "
            f"month stay as they were: charges_as_reported. What is known now: charges_restated. To make it the signed state: "
            f"`fiscus reopen {line.billing_month} --as PERSON --reason TEXT`, then close it again."
        ),
        amount=line.correction_billed or line.correction_effective,
        currency=line.currency,
        owner=team,
        team=team,
        environment="",
        period_label=line.billing_month,
        first_seen=month.start,
        last_seen=month.end - timedelta(days=1),
        rows=abs(line.restated_rows - line.reported_rows),
        query=shown.query.sql,
        params={},
        lake_version=shown.lake_version,
    )


def _sentence(line: CorrectionLine) -> str:
    changed, currency = line.correction_billed or line.correction_effective, line.currency
    if changed == ZERO:
        return f"{line.source} changed charges of {line.billing_month} after its close; its total in {currency} is the same"
    way = "more" if changed > ZERO else "less"
    amount = f"{display(abs(changed))} {currency}" + ("" if line.correction_billed else " of EffectiveCost")
    return f"{line.source} corrected {line.billing_month} after its close by {amount} {way}"
