"""Commands that hand over: the board pack, the record of evidence, the pages."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from cyclopts import App

from fiscus.edges.cli.terminal import NO_OPTIONS, Common, guarded, open_home, progress, say, say_json, show


def mount(app: App) -> None:
    """Add this file's commands to `app`."""
    app.command(pack)
    evidence_app = App(name="evidence", help="Check the chain of evidence.")
    evidence_app.command(verify)
    app.command(evidence_app)


@guarded
def pack(
    *, period: str, out: Path = Path(), paper: Literal["a4", "us-letter"] = "a4", common: Common = NO_OPTIONS
) -> None:
    """Write board.pdf and board.xlsx for one month; every number names its query and lake version.

    Parameters
    ----------
    period
        The month, such as 2026-10, or FY2027-P10 of a fiscal calendar whose months are not calendar months.
    out
        The folder to write into.
    paper
        The sheet of the PDF.
    """
    from fiscus.app.packs import write_pack
    from fiscus.kernel.fiscal_labels import month_named

    ws = open_home(common)
    with progress(common) as bar:
        bar.stage("Building the board pack")
        written = write_pack(ws, month_named(ws.config.company.calendar, period), out, paper)
    show(common, written, lambda w: [say(w.pack.sentence), *(say(str(path)) for path in w.files)])


@guarded
def verify(*, common: Common = NO_OPTIONS) -> int:
    """Check every record of evidence, its chain, its head and its signed checkpoints. Exit 5 when broken."""
    from fiscus.flows.verify_evidence import verify_evidence

    report = verify_evidence(open_home(common))
    if common.json:
        say_json(report)
    else:
        say(f"{report.records:,} records, head {report.head[:12] or 'none'}: {'whole' if report.ok else 'BROKEN'}")
        for fault in report.breaks:
            say(f"  record {fault.seq}: {fault.reason}")
        chain = report.ledger
        books = "whole" if chain.ok and not report.books else "BROKEN"
        say(f"{chain.records:,} records of the spend ledger, head {chain.head[:12] or 'none'}: {books}")
        for fault in chain.breaks:
            say(f"  ledger record {fault.seq}: {fault.reason}")
        for reason in report.books:
            say(f"  ledger: {reason}")
    return 0 if report.ok else 5
