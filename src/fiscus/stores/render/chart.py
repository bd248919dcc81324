"""A ChartSpec as SVG by Vega-Lite: black on white first, one accent, direct titles, the same bytes for the same spec."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import vl_convert

from fiscus.kernel.charts import ChartKind, ChartSeries, ChartSpec
from fiscus.stores.render.fonts_at import FAMILY, fonts_folder

INK: Final = "#1a1d21"
QUIET: Final = "#6b7280"
LINE: Final = "#d6d9de"
ACCENT: Final = "#0b5cad"
BAD: Final = "#b42318"
# Okabe and Ito's palette for colour-blind readers, dark enough on white; "all other" is grey.
SERIES: Final = ("#0b5cad", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#9aa1ab")
NAME_CHARS_MAX: Final = 44  # of a row's name
NAME_WIDTH_MAX: Final = 250
WIDTH: Final = 660  # of the whole drawing: a page's width, so that all charts have one scale of text
ROW: Final = 15
AXIS: Final = 40
MANY: Final = 10.0
VERSION: Final = "v5.21"
_registered: set[Path] = set()


def chart_svg(spec: ChartSpec) -> str:
    """The drawing of `spec`, text in Inter. Raises Unavailable when the fonts are not in place."""
    _with_fonts()
    vega: dict[str, Any] = {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "background": "white",
        "padding": 2,
        "autosize": {"type": "fit", "contains": "padding"},
        "config": _CONFIG,
        **_DRAW[spec.kind](spec),
    }
    svg: str = vl_convert.vegalite_to_svg(vega, vl_version=VERSION, allowed_base_urls=[])
    return svg


def _with_fonts() -> None:
    folder = fonts_folder()
    if folder not in _registered:
        vl_convert.register_font_directory(str(folder))
        _registered.add(folder)


_CONFIG: Final[dict[str, Any]] = {
    "font": FAMILY,
    "view": {"stroke": None},
    "axis": {
        "labelColor": INK, "titleColor": QUIET, "gridColor": LINE, "domainColor": LINE, "tickColor": LINE, "labelFontSize": 9,
        "titleFontSize": 9, "titleFontWeight": "normal", "labelLimit": 170,
    },
    "legend": {"labelColor": INK, "labelFontSize": 9, "symbolSize": 60, "orient": "bottom", "title": None, "columns": 4,
               "labelLimit": 150},
}  # fmt: skip


def _numbers(series: ChartSeries) -> list[float | None]:
    return [None if value is None else float(value) for value in series.values]


def _long(spec: ChartSpec, *roles: str) -> list[dict[str, Any]]:
    """One record a label and series; order is kept by number."""
    return [
        {"label": label, "at": at, "series": series.name, "order": order, "value": value}
        for order, series in enumerate(spec.series)
        if series.role in roles
        for at, (label, value) in enumerate(zip(spec.labels, _numbers(series), strict=True))
        if value is not None
    ]


def _axis(unit: str, largest: float = MANY) -> dict[str, Any]:
    """Thousands as k and millions as M; small prices as they are."""
    return {"title": unit, "format": "~s" if largest >= MANY else "~g", "grid": True, "tickCount": 5}


def _stacked(spec: ChartSpec) -> dict[str, Any]:
    names = [s.name for s in spec.series if s.role != "budget"]
    colours = [QUIET if n == "all other" else SERIES[k % len(SERIES)] for k, n in enumerate(names)]
    layers: list[dict[str, Any]] = [
        {
            "data": {"values": _long(spec, "actual", "other", "held", "committed")},
            "mark": {"type": "bar"},
            "encoding": {
                "x": {"field": "label", "type": "ordinal", "title": None, "sort": None, "axis": {"labelAngle": 0}},
                "y": {"field": "value", "type": "quantitative", "stack": "zero", "axis": _axis(spec.unit)},
                "color": {"field": "series", "type": "nominal", "scale": {"domain": names, "range": colours}},
                "order": {"field": "order", "type": "quantitative"},
            },
        }
    ]
    budget = _long(spec, "budget")
    if budget:
        ends = [budget[-1]]
        layers += [
            {
                "data": {"values": budget[:1]},
                "mark": {"type": "rule", "color": INK, "strokeDash": [4, 3]},
                "encoding": {"y": {"field": "value", "type": "quantitative"}},
            },
            {
                "data": {"values": ends},
                "mark": {"type": "text", "align": "right", "dy": -5, "dx": 18, "fontSize": 9, "color": INK},
                "encoding": {
                    "x": {"field": "label", "type": "ordinal", "sort": None},
                    "y": {"field": "value", "type": "quantitative"},
                    "text": {"field": "series"},
                },
            },
        ]
    return {"width": WIDTH, "height": 190, "layer": layers}


def _rows(spec: ChartSpec) -> dict[str, Any]:
    """A long name loses its middle: ids differ at their ends. The table beside the chart has all of it."""
    most, half = NAME_CHARS_MAX, NAME_CHARS_MAX // 2
    short = f"length(datum.label) > {most} ? slice(datum.label, 0, {half - 1}) + '…' + slice(datum.label, -{half}) : datum.label"
    axis = {"labelExpr": short, "labelLimit": NAME_WIDTH_MAX}
    return {"field": "label", "type": "nominal", "sort": list(spec.labels), "title": None, "axis": axis}


def _bullet(spec: ChartSpec) -> dict[str, Any]:
    """One bar a row, a tick where the amount stands; past it the bar is red."""
    y = _rows(spec)
    limits = {r["at"]: r["value"] for r in _long(spec, "budget")}
    actual = [{**r, "over": r["value"] > limits.get(r["at"], r["value"])} for r in _long(spec, "actual")]
    colour = {"condition": {"test": "datum.over", "value": BAD}, "value": ACCENT}
    x = {"field": "value", "type": "quantitative", "axis": _axis(spec.unit)}
    marks: list[dict[str, Any]] = [
        {
            "data": {"values": actual},
            "mark": {"type": "bar", "height": 7},
            "encoding": {"y": y, "x": x, "color": colour},
        },
        {
            "data": {"values": _long(spec, "p50")},
            "mark": {"type": "point", "shape": "diamond", "color": INK, "filled": False, "size": 40},
            "encoding": {"y": y, "x": x},
        },
        {
            "data": {"values": _long(spec, "budget")},
            "mark": {"type": "tick", "color": INK, "thickness": 2, "height": 13},
            "encoding": {"y": y, "x": x},
        },
    ]
    return {"width": WIDTH, "height": ROW * len(spec.labels) + AXIS, "layer": marks}


def _contribution(spec: ChartSpec) -> dict[str, Any]:
    y = _rows(spec)
    x = {"field": "value", "type": "quantitative", "axis": _axis(spec.unit)}
    bar = {"mark": {"type": "bar", "height": 9, "color": ACCENT}, "encoding": {"y": y, "x": x}}
    values = _long(spec, "actual", "other")
    return {"width": WIDTH, "height": ROW * len(spec.labels) + AXIS, "data": {"values": values}, **bar}


def _lines(spec: ChartSpec, roles: tuple[str, ...], band: tuple[str, str] | None) -> list[dict[str, Any]]:
    x = {
        "field": "label",
        "type": "ordinal",
        "sort": None,
        "title": None,
        "axis": {"labelOverlap": True, "labelAngle": 0},
    }
    largest = max((v for s in spec.series if s.role in roles for v in _numbers(s) if v is not None), default=MANY)
    layers = []
    if band is not None:
        low, high = ({r["label"]: r["value"] for r in _long(spec, role)} for role in band)
        areas = [{"label": k, "low": low[k], "high": high[k]} for k in spec.labels if k in low and k in high]
        layers.append(
            {
                "data": {"values": areas},
                "mark": {"type": "area", "color": ACCENT, "opacity": 0.18},
                "encoding": {"x": x, "y": {"field": "low", "type": "quantitative"}, "y2": {"field": "high"}},
            }
        )
    for role, dash in zip(roles, ([1, 0], [4, 3], [2, 2]), strict=False):
        mark = {
            "type": "line",
            "color": ACCENT if role == "actual" else INK,
            "strokeDash": dash,
            "point": role == "actual",
        }
        y = {"field": "value", "type": "quantitative", "axis": _axis(spec.unit, largest), "scale": {"zero": True}}
        layers.append({"data": {"values": _long(spec, role)}, "mark": mark, "encoding": {"x": x, "y": y}})
    return layers


def _fan(spec: ChartSpec) -> dict[str, Any]:
    return {"width": WIDTH, "height": 190, "layer": _lines(spec, ("actual", "p50", "budget"), ("p10", "p90"))}


def _band(spec: ChartSpec) -> dict[str, Any]:
    return {"width": WIDTH, "height": 190, "layer": _lines(spec, ("actual",), ("low", "high"))}


def _line_and_bars(spec: ChartSpec) -> dict[str, Any]:
    """Unit cost above, volume below: two panels, one scale each, so that no second axis misleads."""
    x = {"field": "label", "type": "ordinal", "sort": None, "title": None, "axis": {"labelAngle": 0}}
    volume = {"field": "value", "type": "quantitative", "axis": _axis("volume")}
    below = {"mark": {"type": "bar", "color": LINE}, "encoding": {"x": x, "y": volume}}
    return {
        "autosize": {"type": "pad"},
        "vconcat": [
            {"width": WIDTH - 70, "height": 70, "layer": _lines(spec, ("actual",), None)},
            {"width": WIDTH - 70, "height": 40, "data": {"values": _long(spec, "volume")}, **below},
        ],
        "spacing": 6,
    }


_DRAW: Final[dict[ChartKind, Callable[[ChartSpec], dict[str, Any]]]] = {
    "stacked_bars": _stacked,
    "fan": _fan,
    "bullet": _bullet,
    "band": _band,
    "line_and_bars": _line_and_bars,
    "contribution": _contribution,
}
