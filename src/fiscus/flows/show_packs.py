"""The packs that were built for the board: what each says in one sentence, and where its files are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from fiscus.flows.show_trust import DataTrust, data_trust
from fiscus.flows.workspace import Workspace
from fiscus.kernel.errors import NotFound
from fiscus.kernel.fiscal_labels import month_named

KIND: Final = "pack.built"
FILES: Final = ("board.pdf", "board.xlsx")


@dataclass(frozen=True, slots=True)
class PackLine:
    """The newest pack of one month. `files` are those that stand in the workspace."""

    period: str
    sentence: str
    as_of: str
    lake_version: str
    built_at: datetime
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PacksShown:
    """One line a month, newest month first."""

    trust: DataTrust
    sentence: str
    lines: tuple[PackLine, ...]


def show_packs(ws: Workspace, trust: DataTrust | None = None) -> PacksShown:
    """Every month for which the evidence holds a pack."""
    lines: dict[str, PackLine] = {}
    with ws.state.read() as tx:
        for record in tx.evidence_records([KIND]):
            body = record.body
            files = tuple(name for name in FILES if _place(ws, record.subject, name).is_file())
            lines[record.subject] = PackLine(
                record.subject, str(body["sentence"]), str(body["as_of"]), str(body["lake"]), record.at, files
            )
    newest = tuple(lines[period] for period in sorted(lines, reverse=True))
    sentence = newest[0].sentence if newest else "No pack has been built yet. Run the loop, or `fiscus pack`."
    return PacksShown(trust or data_trust(ws), sentence, newest)


def pack_file(ws: Workspace, period: str, name: str) -> Path:
    """One file of the pack of `period` (2026-10, FY2027-P10). Raises BadInput for what is no month, NotFound."""
    path = _place(ws, str(month_named(ws.config.company.calendar, period)), name)
    if name not in FILES or not path.is_file():
        raise NotFound(f"There is no {name!r} of {period}", remedy="The page Board lists the packs that stand here.")
    return path


def _place(ws: Workspace, period: str, name: str) -> Path:
    return ws.home / ".fiscus" / "packs" / period / name
