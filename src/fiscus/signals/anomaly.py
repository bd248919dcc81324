"""Spend outside what its own past leads to expect: spikes, shifts (a machine left on) and ramps (an agent running away).

Detection (`excess_runs`) is apart from alerting, which is two gates: money and per cent. Only excess is looked for; too
little spend is a question of data, not of money.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

import numpy as np

from fiscus.kernel.ids import content_id
from fiscus.kernel.money import EXACT, ZERO, total
from fiscus.signals.baseline import Floats
from fiscus.signals.excess_runs import SPIKE_SIGMAS, TRAINING_DAYS_MIN, Bools, ExcessRuns, excess_runs
from fiscus.signals.types import Anomaly, LabelledSeries

GAP_DAYS: Final = 2  # a quiet day or two inside a run do not end it
_PLACES: Final = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Gates:
    """What an anomaly must reach to be told to anyone: money over the run, in its currency, and per cent over expected."""

    money: Decimal = Decimal(100)
    percent: Decimal = Decimal(25)
    money_without_past: Decimal = Decimal(500)  # spend where none was: a new service is news only when it is money

    def open_for(self, anomaly: Anomaly) -> bool:
        """Whether both gates let it through."""
        if anomaly.expected <= ZERO:
            return anomaly.impact >= self.money_without_past
        share = EXACT.divide(EXACT.multiply(anomaly.impact, Decimal(100)), anomaly.expected)
        return anomaly.impact >= self.money and share >= self.percent


def find_anomalies(series: Sequence[LabelledSeries], as_of: date, gates: Gates | None = None) -> list[Anomaly]:
    """Anomalies worth telling, largest impact first. Only days before `as_of` are looked at: a day under way is partial."""
    gates = gates or Gates()
    return [anomaly for anomaly in detect(series, as_of) if gates.open_for(anomaly)]


def detect(series: Sequence[LabelledSeries], as_of: date) -> list[Anomaly]:
    """Every run of days outside its expected band, largest impact first; contributions are left to who has the rows."""
    found: list[Anomaly] = []
    for start, members in _by_start(series).items():
        matrix = _matrix(members, start, as_of)
        if matrix.shape[1] > TRAINING_DAYS_MIN:
            seen = excess_runs(matrix)
            for row, labelled in enumerate(members):
                found += [_anomaly(labelled, seen, row, run) for run in _runs(seen.outside[row])]
    return sorted(found, key=lambda anomaly: (-anomaly.impact, anomaly.id))


def _by_start(series: Sequence[LabelledSeries]) -> dict[date, list[LabelledSeries]]:
    groups: dict[date, list[LabelledSeries]] = {}
    for labelled in series:
        groups.setdefault(labelled.series.start, []).append(labelled)
    return groups


def _matrix(members: Sequence[LabelledSeries], start: date, as_of: date) -> Floats:
    """(N, T) of days before `as_of`; what has not landed yet is NaN, never zero."""
    width = max(0, min((as_of - start).days, max(len(labelled.series.values) for labelled in members)))
    matrix = np.full((len(members), width), np.nan)
    for row, labelled in enumerate(members):
        values = labelled.series.values[:width]
        matrix[row, : len(values)] = [float(value) for value in values]
    return matrix


def _runs(outside: Bools) -> Iterator[tuple[int, int]]:
    """[first, last + 1) of each run of days outside, quiet gaps of up to GAP_DAYS included."""
    days = np.flatnonzero(outside)
    if not len(days):
        return
    breaks = np.flatnonzero(np.diff(days) > GAP_DAYS + 1)
    firsts, lasts = np.r_[days[0], days[breaks + 1]], np.r_[days[breaks], days[-1]]
    yield from zip(firsts.tolist(), (lasts + 1).tolist(), strict=True)


def _anomaly(labelled: LabelledSeries, seen: ExcessRuns, row: int, run: tuple[int, int]) -> Anomaly:
    series, (first, end) = labelled.series, run
    actual = total(list(series.values[first:end]))
    expected = _decimal(float(seen.expected[row, first:end].sum()))
    half = _decimal(float(np.sqrt(np.square(SPIKE_SIGMAS * seen.deviation[row, first:end]).sum())))
    start = series.start + timedelta(days=first)
    named = (labelled.owner, labelled.team, labelled.service, labelled.provider, labelled.environment, series.currency)
    return Anomaly(
        id=content_id("anomaly", *named, start),
        owner=labelled.owner,
        team=labelled.team,
        service=labelled.service,
        provider=labelled.provider,
        environment=labelled.environment,
        currency=series.currency,
        start=start,
        end=series.start + timedelta(days=end),
        actual=actual,
        expected=expected,
        low=max(ZERO, EXACT.subtract(expected, half)),
        high=EXACT.add(expected, half),
        impact=EXACT.subtract(actual, expected),
        score=_decimal(float(seen.score[row, first:end].max())),
    )


def _decimal(value: float) -> Decimal:
    return Decimal(repr(value)).quantize(_PLACES)
