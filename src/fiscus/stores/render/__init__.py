"""Packs on paper and in workbooks, and charts as SVG. Imports stay lazy: naming the package loads no typesetter."""

from __future__ import annotations

from fiscus.stores.render.chart import chart_svg
from fiscus.stores.render.pdf import render_pdf
from fiscus.stores.render.xlsx import render_xlsx

__all__ = ["chart_svg", "render_pdf", "render_xlsx"]
