"""How spending moves: weekdays, month-ends, seasons, growth, launches and noise, as a factor for each stream and day."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from fiscus.twin.line import Floats
from fiscus.twin.timeline import Timeline

PERSISTENCE: Final = 0.5  # how much of today's deviation is there tomorrow


@dataclass(frozen=True, slots=True)
class Shape:
    """`week` is Monday to Sunday; `month_end` the factor on the last two days; `season` the swing over a year (peak in November)."""

    week: tuple[float, ...]
    noise: float
    month_end: float = 1.0
    season: float = 0.0


SHAPES: Final = {
    "flat": Shape((1,) * 7, 0.010),
    "traffic": Shape((1.02, 1.04, 1.03, 1.02, 1.06, 0.93, 0.90), 0.025, season=0.05),
    "office": Shape((1.05, 1.10, 1.10, 1.08, 0.98, 0.35, 0.33), 0.035),
    "batch": Shape((0.98, 1.0, 1.0, 1.0, 1.05, 0.9, 0.9), 0.03, month_end=1.18),
    "train": Shape((1.0, 1.08, 1.1, 1.08, 1.0, 0.78, 0.75), 0.06),
    "ingest": Shape((1.03, 1.04, 1.04, 1.03, 1.0, 0.88, 0.87), 0.02, season=0.03),
}


@dataclass(frozen=True, slots=True)
class Course:
    """One stream's way through time: its shape, its growth a year, and the day of a gradual launch (None: always there)."""

    name: str
    shape: str
    growth: float
    launch: int | None = None


def factors(courses: Sequence[Course], timeline: Timeline, seed: int) -> Floats:
    """Courses x days: 1.0 is an average weekday at the simulation's start. The same course gives the same row, whoever is beside it."""
    days = np.arange(timeline.days)
    rows = [_row(course, timeline, days) * _noise(course, timeline.days, seed) for course in courses]
    return np.array(rows).reshape(len(courses), timeline.days)


def generator(seed: int, name: str) -> np.random.Generator:
    """Randomness of its own for each name, so that adding a stream changes no other."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def _row(course: Course, timeline: Timeline, days: np.ndarray) -> Floats:
    shape = SHAPES[course.shape]
    week = np.array(shape.week, float)[timeline.weekdays()]
    starts = timeline.month_starts()
    to_end = starts[timeline.month_of_days() + 1] - days
    month_end = np.where(to_end <= 2, shape.month_end, 1.0)
    of_year = (days + timeline.start.timetuple().tm_yday) / 365.25
    season = 1 + shape.season * np.cos(2 * np.pi * (of_year - 0.9))
    growth = (1 + course.growth) ** (days / 365.0)
    ramp = 1.0 if course.launch is None else 1 / (1 + np.exp(-(days - course.launch - 45) / 12.0))
    return np.asarray(week * month_end * season * growth * ramp, float)


def _noise(course: Course, days: int, seed: int) -> Floats:
    sigma = SHAPES[course.shape].noise
    shocks = np.clip(generator(seed, course.name).standard_normal(days), -2.5, 2.5)
    level, noise = 0.0, np.empty(days)
    for day in range(days):
        level = PERSISTENCE * level + shocks[day] * sigma * (1 - PERSISTENCE**2) ** 0.5
        noise[day] = level
    return np.exp(noise)
