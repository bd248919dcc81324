"""What was corrected of months that were closed: as reported, the correction, as restated; a restatement is a finding."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final, cast

from fiscus.cost.books.types import CorrectionLine, SourceTotal
from fiscus.flows.keep_closes import close_from, signed_closes
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.types import Finding
from fiscus.kernel.ids import content_id
from fiscus.kernel.money import EXACT, ZERO, display
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
        return [said_of(line) for line in self.corrected] or [
            "Every closed month still says what it said when it was closed."
        ]


def show_corrections(ws: Workspace) -> CorrectionsShown:
    """Every closed month of every source as reported and restated."""
    query = Query(sql_text("fiscus.cost", "corrections_of_closed"), {})
    version = ws.lake.version()
    rows = cast("Sequence[tuple[Any, ...]]", ws.lake.query(query.sql).rows if version.closes >= 0 else ())
    with ws.state.read() as tx:
        known = {
            (total.source, month, total.currency): total
            for month, record in signed_closes(tx).items()
            for total in close_from(record).elsewhere
        }
    found = [CorrectionLine(*row) for row in rows]
    gone = known.keys() - {(line.source, line.billing_month, line.currency) for line in found}
    lines = [_since_signed(line, known) for line in (*found, *map(_gone, sorted(gone)))]
    lines.sort(key=lambda line: (line.source, line.currency))
    lines.sort(key=lambda line: line.billing_month, reverse=True)
    return CorrectionsShown(tuple(lines), str(version), query)


def is_corrected(line: CorrectionLine) -> bool:
    """Whether the month says something else than was reported."""
    return bool(line.changed_billed or line.changed_effective or line.changed_rows)


def restatement_findings(ws: Workspace) -> list[Finding]:
    """One a source, month and currency of which a closed month now says something else."""
    shown = show_corrections(ws)
    return [_finding(ws, shown, line) for line in shown.corrected]


def _since_signed(line: CorrectionLine, known: Mapping[tuple[str, str, str], SourceTotal]) -> CorrectionLine:
    """What the bills of other months had corrected of a month when it was signed has not come since."""
    before = known.get((line.source, line.billing_month, line.currency)) if line.closed == "signed" else None
    if before is None:
        return line
    return replace(
        line,
        changed_billed=EXACT.subtract(line.changed_billed, before.billed),
        changed_effective=EXACT.subtract(line.changed_effective, before.effective),
        changed_rows=line.changed_rows - before.rows,
    )


def _gone(key: tuple[str, str, str]) -> CorrectionLine:
    """A source of which nothing is left but what stood elsewhere when the month was signed: its correction was taken back."""
    sums = (ZERO,) * 8
    return CorrectionLine(*key, "signed", *sums, 0, 0, 0)


def _finding(ws: Workspace, shown: CorrectionsShown, line: CorrectionLine) -> Finding:
    month, team = Month.parse(line.billing_month), ws.config.directory.default_pool
    who = "was signed" if line.closed == "signed" else "the vendor closed it"
    return Finding(
        id=content_id("fnd", KIND, line.source, line.billing_month, line.currency),
        kind=KIND,
        policy_id="restatement",
        policy_version="1",
        level="warn",
        title=said_of(line),
        detail=(
            f"When {line.billing_month} {who}, {line.source} said {display(line.reported_billed)} {line.currency} billed and "
            f"{display(line.reported_effective)} effective in {line.reported_rows:,} charges. Changed since: "
            f"{display(line.changed_billed)} billed, {display(line.changed_effective)} effective; restated, the month is "
            f"{display(line.restated_billed)} and {display(line.restated_effective)}. Reports of the "
            f"month stay as they were: charges_as_reported. What is known now: charges_restated. To make it the signed state: "
            f"`fiscus reopen {line.billing_month} --as PERSON --reason TEXT`, then close it again."
        ),
        amount=line.changed_billed or line.changed_effective,
        currency=line.currency,
        owner=team,
        team=team,
        environment="",
        period_label=line.billing_month,
        first_seen=month.start,
        last_seen=month.end - timedelta(days=1),
        rows=abs(line.changed_rows),
        query=shown.query.sql,
        params={},
        lake_version=shown.lake_version,
    )


def said_of(line: CorrectionLine) -> str:
    """One correction in a sentence."""
    changed, currency = line.changed_billed or line.changed_effective, line.currency
    if changed == ZERO:
        return f"{line.source} changed charges of {line.billing_month} after its close; its total in {currency} is the same"
    way = "more" if changed > ZERO else "less"
    amount = f"{display(abs(changed))} {currency}" + ("" if line.changed_billed else " of EffectiveCost")
    return f"{line.source} corrected {line.billing_month} after its close by {amount} {way}"
