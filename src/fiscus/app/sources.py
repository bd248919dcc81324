"""A source named on the command line: as fiscus.yaml declares it, with what the person said on top."""

from __future__ import annotations

import re
from dataclasses import replace

from fiscus.cost.focus_names import FocusVersion
from fiscus.cost.types import Source
from fiscus.flows.workspace import Workspace
from fiscus.kernel.errors import BadInput


def declared_source(
    ws: Workspace, name: str, focus: FocusVersion | None, date_format: str | None, default_currency: str | None
) -> Source:
    """The source called `name`. A name that fiscus.yaml does not know is accepted when it is a slug."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,62}", name):
        raise BadInput(
            f"{name!r} is not a source name", remedy="Use lower-case letters, digits and dashes, such as aws-prod."
        )
    known = ws.config.sources.get(name)
    source = known.source if known else Source(name)
    return replace(
        source,
        focus=focus or source.focus,
        date_format=date_format or source.date_format,
        default_currency=default_currency or source.default_currency,
    )
