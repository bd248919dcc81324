"""Bills come in: one delivery, all of it or nothing, and the same delivery again changes nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from decimal import Decimal
from pathlib import Path
from typing import Final

from fiscus.cost.ai.types import GATEWAY_SOURCE
from fiscus.cost.books.types import EVERY_SOURCE
from fiscus.cost.conformance.choose import dataset_of
from fiscus.cost.conformance.currencies import ISO_4217, WITHDRAWN
from fiscus.cost.datasets.plan_rows import plan_dataset
from fiscus.cost.datasets.types import TABLES
from fiscus.cost.focus_names import DATASETS, Dataset
from fiscus.cost.ports import Staging
from fiscus.cost.quality import findings_of, merged
from fiscus.cost.types import (
    Delivery,
    FilePlan,
    IngestOptions,
    InputFile,
    PeriodWritten,
    QualityFinding,
    Source,
    StagedMonth,
)
from fiscus.cost.upgrade import plan_files, same_shape
from fiscus.flows.keep_closes import closed_months, keep_closes
from fiscus.flows.ports import StateTx
from fiscus.flows.workspace import Workspace
from fiscus.kernel.actor import FISCUS
from fiscus.kernel.canonical import digest
from fiscus.kernel.errors import BadInput, Where
from fiscus.kernel.limits import DELIVERY_SHRINK_PERCENT_MAX, INPUT_LOADS_AT_ONCE
from fiscus.kernel.money import EXACT, ZERO, total
from fiscus.kernel.progress import Progress

SHRINK_MAX: Final = Decimal(DELIVERY_SHRINK_PERCENT_MAX) / 100
REPEATED_SHARE_MIN: Final = Decimal("0.1")
SOURCE_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


RESERVED: Final = "Source {!r} begins as the gateway's own sources do"


def ingest_bills(
    ws: Workspace, source: Source, paths: Sequence[Path], options: IngestOptions, progress: Progress
) -> Delivery:
    """`ingest_files` for paths that are of one dataset."""
    deliveries = ingest_files(ws, source, paths, options, progress)
    assert len(deliveries) == 1, "the caller knows that its files are of one dataset"
    return deliveries[0]


def ingest_files(
    ws: Workspace, source: Source, paths: Sequence[Path], options: IngestOptions, progress: Progress
) -> tuple[Delivery, ...]:
    """Replace each (source, billing month) that `paths` contain; one delivery and one commit for each dataset among them.

    Raises BadInput and leaves the lake as it was: every dataset is read whole before the first is written. A crash before the
    commit leaves the lake as it was; after it, running the same call again writes the rest and records the deliveries.
    """
    _check_source(source)
    if source.name.startswith(GATEWAY_SOURCE) and not options.from_gateway:
        raise BadInput(RESERVED.format(source.name), remedy="Give it another name.", where=Where(key=source.name))
    with ws.lake.stage(paths, source.name, progress) as staging:
        prepared = [
            _prepare(ws, source, replace(options, dataset=dataset), staging.part(dataset, files), progress)
            for dataset, files in _by_dataset(staging.files, options.dataset)
        ]
        deliveries = tuple(
            delivery
            if part is None
            else replace(delivery, lake_version=part.commit(source.name, delivery, delivery.periods))
            for part, delivery in _seen_elsewhere(ws, _with_copies(prepared, staging))
        )
    with ws.state.begin() as tx:
        for delivery in deliveries:
            if delivery.changed or not any(seen.id == delivery.id for seen in tx.deliveries.all()):
                tx.deliveries.put(delivery)
                tx.evidence.append("delivery.ingested", delivery.id, FISCUS, _evidence(delivery))
                _record_corrections(tx, delivery)
    keep_closes(ws)
    return tuple(delivery if delivery.changed else _as_seen_again(delivery) for delivery in deliveries)


def _as_seen_again(delivery: Delivery) -> Delivery:
    """What this call did with a delivery that stands: nothing. What it did when it came is on record."""
    periods = tuple(replace(one, changed=False, replaced_rows=0, billed_change={}) for one in delivery.periods)
    return replace(delivery, periods=periods)


def _record_corrections(tx: StateTx, delivery: Delivery) -> None:
    """Evidence for each month that was closed before and that the delivery changes."""
    if delivery.dataset != "cost_and_usage":
        return
    closed = {(one.source, one.billing_month) for one in closed_months(tx)}
    for period in delivery.periods:
        if {(EVERY_SOURCE, period.billing_month), (delivery.source, period.billing_month)} & closed:
            body = {"delivery": delivery.id, "billed_change": period.billed_change, "rows": period.rows}
            tx.evidence.append("period.corrected", f"{delivery.source}/{period.billing_month}", FISCUS, body)


Prepared = tuple[Staging | None, Delivery]
"""A delivery that is read and fit to be committed, and where it is staged; None: it landed before."""


def _by_dataset(files: Sequence[InputFile], named: Dataset | None) -> list[tuple[Dataset, list[InputFile]]]:
    """The files of each dataset, by what is named or by their columns; charges first."""
    of = {file.path: named or dataset_of(file.columns) for file in files}
    groups = ((dataset, [file for file in files if of[file.path] == dataset]) for dataset in DATASETS)
    return [(dataset, found) for dataset, found in groups if found]


def _prepare(ws: Workspace, source: Source, options: IngestOptions, staging: Staging, progress: Progress) -> Prepared:
    delivery_id = _delivery_id(source, options, [file.content for file in staging.files])
    # Earlier releases took the bytes of packed files.
    by_bytes = _delivery_id(source, options, [file.sha256 for file in staging.files])
    known = staging.landed(source.name, delivery_id) or staging.landed(source.name, by_bytes)
    if known is not None:
        # Its manifest was written before its commit, so the version in it is the one before.
        return None, replace(known, changed=False, lake_version=ws.lake.version())
    delivery = _read(ws, source, options, staging, delivery_id, progress)
    return staging if delivery.changed else None, delivery


def _read(
    ws: Workspace, source: Source, options: IngestOptions, staging: Staging, delivery_id: str, progress: Progress
) -> Delivery:
    dataset = options.dataset or "cost_and_usage"
    adds = source.corrections != "replacement" and dataset == "cost_and_usage"
    # Of a source that adds, each file is read alone: what it brought is known by it.
    groups = [(file,) for file in staging.files] if adds else same_shape(staging.files)
    plans = [_plan(group, source, options, delivery_id) for group in groups]
    quality: list[QualityFinding] = []

    def load(plan: FilePlan) -> list[QualityFinding]:
        rows = staging.load(plan)
        if rows is None:
            rows = staging.load(plan_files(plan.files, source, delivery_id, options.promote, exact=True))
        assert rows is not None, "an exact plan loads or refuses"
        return findings_of(plan, dict(staging.count(plan)), rows)

    with ThreadPoolExecutor(INPUT_LOADS_AT_ONCE if len(plans) > 1 else 1) as pool:
        for number, found in enumerate(pool.map(load, plans)):
            staging.check(plans[number])
            quality += found
            progress.step(number + 1, len(plans))
    staged, standing = staging.months(), staging.standing(source.name)
    quality += _repeated(staging)
    added = _added(source, staged, standing)
    if added and (known := staging.leave_out_known(source.name, sorted(added))):
        staged = staging.months()
        added &= {month.billing_month for month in staged}
        if not staged:
            return replace(known, changed=False, lake_version=ws.lake.version())
    contents = {month.billing_month: staging.contents(month.billing_month) for month in staged} if adds else {}
    periods = _periods(staged, standing, added, contents)
    if not periods:
        raise BadInput(
            f"The delivery holds no {TABLES[dataset].rows}",
            remedy="Check the export.",
            where=Where(file=staging.files[0].path),
        )
    unmatched = sum(staging.add_to_standing(source.name, month) for month in sorted(added))
    if source.corrections == "ledger" and unmatched:
        quality.append(QualityFinding("unmatched_reversal", "BilledCost", unmatched, "reverse no charge that stands"))
    if not options.restate and not TABLES[dataset].shrinks:
        _refuse_shrinking(periods, staged, standing, source, dataset)
    return Delivery(
        id=delivery_id,
        source=source.name,
        focus_version=", ".join(sorted({plan.version for plan in plans})),
        at=ws.clock.now(),
        files=tuple(Path(file.path).name for file in staging.files),
        rows=sum(period.rows for period in periods),
        periods=periods,
        quality=merged([*quality, *_rounding(staged)]),
        lake_version=ws.lake.version(),
        changed=True,
        dataset=dataset,
    )


def _plan(files: Sequence[InputFile], source: Source, options: IngestOptions, delivery_id: str) -> FilePlan:
    if options.dataset is None or options.dataset == "cost_and_usage":
        return plan_files(files, source, delivery_id, options.promote)
    return plan_dataset(files, options.dataset, source, delivery_id)


def _with_copies(prepared: Sequence[Prepared], staging: Staging) -> list[Prepared]:
    """Files that were left out as copies are told by the first delivery of the call."""
    (part, first), *others = prepared
    return [(part, replace(first, quality=merged([*first.quality, *_copies(staging)]))), *others]


def _seen_elsewhere(ws: Workspace, prepared: Sequence[Prepared]) -> list[Prepared]:
    """A month that stands to the last digit under another source too is told: delivered under two names, it counts twice."""
    with ws.state.read() as tx:
        others = sorted(tx.deliveries.all(), key=lambda one: one.at)
    return [
        (part, replace(new, quality=merged([*new.quality, *_alike(new, others)])) if new.changed else new)
        for part, new in prepared
    ]


def _alike(new: Delivery, known: Sequence[Delivery]) -> list[QualityFinding]:
    if new.dataset != "cost_and_usage":
        return []
    stand = {
        (one.source, period.billing_month): period
        for one in known
        if one.dataset == new.dataset and one.source != new.source and not one.source.startswith(GATEWAY_SOURCE)
        for period in one.periods
    }
    found = []
    for period in new.periods:
        told = period.rows, period.billed_cost, period.effective_cost
        for (source, month), other in stand.items():
            same = (other.rows, other.billed_cost, other.effective_cost) == told and not other.added
            if month == period.billing_month and same and any(period.billed_cost.values()):
                text = f"the source {source} holds the same rows and the same money of this month; both count"
                found.append(QualityFinding("same_month_elsewhere", month, period.rows, text, source))
    return found


def _check_source(source: Source) -> None:
    """A source's name is a folder of the lake and a word of its SQL, so it is a slug; a currency is an ISO 4217 code."""
    if not SOURCE_NAME.fullmatch(source.name):
        raise BadInput(
            f"{source.name[:80]!r} cannot name a source",
            remedy="Use letters, digits, dots, dashes and underscores, at most 64, a letter or digit first.",
        )
    if source.default_currency is not None and source.default_currency not in ISO_4217 | WITHDRAWN:
        raise BadInput(
            f"The default currency {source.default_currency[:80]!r} is not an ISO 4217 code",
            remedy="Write it as USD or EUR.",
            where=Where(key=source.name),
        )


def _copies(staging: Staging) -> list[QualityFinding]:
    text = "holds the same as another file of the delivery; read once"
    return [QualityFinding("duplicate_file", Path(path).name, 0, text, path) for path in staging.copies]


def _delivery_id(source: Source, options: IngestOptions, digests: Sequence[str]) -> str:
    """Of what the files hold, unpacked: a correction that comes again as .gz is the same, and is not added twice."""
    said = {name: value for name, value in asdict(source).items() if name != "corrections"}
    facts: list[object] = [said, options.promote, sorted(digests)]
    if options.dataset != "cost_and_usage":
        facts.append(options.dataset)
    return "del-" + digest(facts)[:24]


def _added(source: Source, staged: Sequence[StagedMonth], standing: Sequence[StagedMonth]) -> frozenset[str]:
    """The months of a source that corrects by delta or ledger of which nothing but corrections came: they add to what stands."""
    if source.corrections == "replacement":
        return frozenset()
    stand = {month.billing_month for month in standing}
    whole = {month.billing_month for month in staged if month.corrections < month.rows}
    return frozenset({month.billing_month for month in staged if month.billing_month in stand} - whole)


def _periods(
    staged: Sequence[StagedMonth],
    standing: Sequence[StagedMonth],
    added: frozenset[str],
    contents: Mapping[str, tuple[str, ...]],
) -> tuple[PeriodWritten, ...]:
    months = sorted({month.billing_month for month in staged})
    return tuple(
        PeriodWritten(
            billing_month=month,
            rows=sum(m.rows for m in staged if m.billing_month == month),
            billed_cost={m.currency: m.billed_cost for m in staged if m.billing_month == month and m.currency},
            effective_cost={m.currency: m.effective_cost for m in staged if m.billing_month == month and m.currency},
            replaced_rows=0 if month in added else sum(m.rows for m in standing if m.billing_month == month),
            added=month in added,
            billed_change=_change(month, staged, [] if month in added else standing),
            changed=True,
            rounding_residue=total([m.rounding_residue for m in staged if m.billing_month == month]),
            contents=contents.get(month, ()),
        )
        for month in months
    )


def _change(month: str, staged: Sequence[StagedMonth], stood: Sequence[StagedMonth]) -> Mapping[str, Decimal]:
    """What the month's BilledCost becomes more by, in each currency; nothing where it stays the same."""
    new, old = ({m.currency: m.billed_cost for m in side if m.billing_month == month} for side in (staged, stood))
    change = {
        currency: EXACT.subtract(new.get(currency, ZERO), old.get(currency, ZERO))
        for currency in sorted(new.keys() | old.keys())
        if currency
    }
    return {currency: amount for currency, amount in change.items() if amount}


def _refuse_shrinking(
    periods: Sequence[PeriodWritten],
    staged: Sequence[StagedMonth],
    standing: Sequence[StagedMonth],
    source: Source,
    dataset: Dataset,
) -> None:
    """A delivery that cuts a month's rows or cost by more than the limit is a half export until someone says otherwise."""
    keep = 1 - SHRINK_MAX
    now = {(m.billing_month, m.currency): m for m in staged}
    for old in standing:
        if old.billing_month not in {period.billing_month for period in periods if not period.added}:
            continue
        new = now.get((old.billing_month, old.currency))
        rows, cost = (new.rows, new.billed_cost) if new else (0, Decimal(0))
        # What a commitment covers is billed at zero: its month shrinks in EffectiveCost only.
        effective = new.effective_cost if new else Decimal(0)
        cut = _cuts_cost(old.billed_cost, cost) or _cuts_cost(old.effective_cost, effective)
        if rows < old.rows * keep or cut:
            raise BadInput(
                f"{source.name} {old.billing_month} would shrink from {old.rows:,} {TABLES[dataset].rows} and "
                f"{old.billed_cost:f} {old.currency} ({old.effective_cost:f} effective) to {rows:,} and {cost:f} ({effective:f})",
                remedy="If the vendor restated the month, say so with --restate; else deliver the whole month.",
                where=Where(key=f"{source.name}/{old.billing_month}"),
            )


def _cuts_cost(old: Decimal, new: Decimal) -> bool:
    """A month of credits (below zero) shrinks when credits are lost, and is cut when they grow beyond the same share."""
    if old < 0:
        return abs(new - old) > -old * SHRINK_MAX
    return new < old * (1 - SHRINK_MAX)


def _rounding(staged: Sequence[StagedMonth]) -> list[QualityFinding]:
    cells = sum(month.rounded_cells for month in staged)
    if not cells:
        return []
    residue = total([month.rounding_residue for month in staged])
    text = f"more digits than the lake keeps, rounded half-even; BilledCost residue {residue:f}"
    return [QualityFinding("rounded", "costs and quantities", cells, text)]


def _repeated(staging: Staging) -> list[QualityFinding]:
    """A bill that lies in the folder in two versions: the rows that did not change stand there twice."""
    again, rows = staging.repeated()
    if again < rows * REPEATED_SHARE_MIN:
        return []
    text = "are exactly like another of the delivery; all count: is a bill there in two versions?"
    return [QualityFinding("repeated_rows", "charges", again, text)] if again else []


def _evidence(delivery: Delivery) -> Mapping[str, object]:
    return {
        "source": delivery.source,
        "dataset": delivery.dataset,
        "focus_version": delivery.focus_version,
        "files": delivery.files,
        "rows": delivery.rows,
        "periods": delivery.periods,
        "quality": len(delivery.quality),
        "lake_version": str(delivery.lake_version),
    }
