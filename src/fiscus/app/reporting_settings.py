"""`reporting` of fiscus.yaml: the currency to report in and the files of its rates."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from fiscus.cost.currency.types import GAP_DAYS, Reporting
from fiscus.kernel.documents import Document
from fiscus.kernel.limits import RATE_FILE_BYTES_MAX


def reporting_from(document: Document, home: Path) -> Reporting | None:
    """None where nothing is declared. BadConfig with the line for a file that is missing, unreadable or too large.

    The files are read here and understood when rates are needed (`flows.keep_rates`): not each command waits for decades
    of rates.
    """
    given = cast("dict[str, Any]", document.data).get("reporting")
    if given is None:
        return None
    texts: dict[str, str] = {}
    for number, name in enumerate(given["rates"]):
        at = ["reporting", "rates", number]
        path = home / name
        if not path.is_file():
            remedy = "Put the file there: the ECB publishes it as eurofxref-hist.zip; or mend its name."
            raise document.error(at, f"{name} is missing", remedy)
        if path.stat().st_size > RATE_FILE_BYTES_MAX:
            raise document.error(
                at, f"{name} is larger than {RATE_FILE_BYTES_MAX:,} bytes", "Leave out what is too old."
            )
        try:
            texts[name] = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError:
            raise document.error(at, f"{name} is no text in UTF-8", "Unzip it; save it as UTF-8.") from None
    return Reporting(given["currency"], texts, given.get("gap_days_max", GAP_DAYS), given.get("on", "charge"))
