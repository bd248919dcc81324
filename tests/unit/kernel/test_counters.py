"""Counters as a monitoring system reads them."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from fiscus.edges.counters_text import counters_text
from fiscus.kernel.counters import Counters

BOUNDS = (0.1, 1.0)
VALUES = st.lists(st.floats(0, 10, allow_nan=False), max_size=30)


def test_counts_histograms_and_gauges_are_one_page() -> None:
    one = Counters()
    one.count("calls_total", why='a "b"\\\n')
    one.add("tokens_total", 1_000, meter="input")
    for value in (0.1, 0.2, 5.0):
        one.observe("seconds", value, BOUNDS, upstream="openai")
    text = counters_text([one], {"seconds": "How long."}, {("left", (("budget", "ai"),)): -3})
    assert text.splitlines() == [
        "# TYPE calls_total counter",
        'calls_total{why="a \\"b\\"\\\\\\n"} 1',
        "# TYPE left gauge",
        'left{budget="ai"} -3',
        "# HELP seconds How long.",
        "# TYPE seconds histogram",
        'seconds_bucket{upstream="openai",le="0.1"} 1',
        'seconds_bucket{upstream="openai",le="1.0"} 2',
        'seconds_bucket{upstream="openai",le="+Inf"} 3',
        'seconds_sum{upstream="openai"} 5.3',
        'seconds_count{upstream="openai"} 3',
        "# TYPE tokens_total counter",
        'tokens_total{meter="input"} 1000',
    ]


@given(VALUES, VALUES)
def test_two_workers_together_are_as_one_that_did_it_all(first: list[float], second: list[float]) -> None:
    """By way of the file that one reads of the other."""
    both, one, two = Counters(), Counters(), Counters()
    for worker, values in ((one, first), (two, second)):
        for value in values:
            for where in (worker, both):
                where.observe("seconds", value, BOUNDS)
                where.add("cost_total", int(value * 10), team="ml")
    read = Counters.from_json(two.as_json())
    assert read.all() == two.all()
    together, whole = (counters_text(group).splitlines() for group in ([one, read], [both]))
    for seen, wanted in zip(together, whole, strict=True):
        if "_sum" in wanted:
            assert math.isclose(float(seen.split()[-1]), float(wanted.split()[-1]), abs_tol=1e-9)
        else:
            assert seen == wanted
