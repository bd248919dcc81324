"""A decision before its verdict: what it is on, who asked and when, and what judges it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from fiscus.guardrails.types import Intent


class Begun(NamedTuple):
    """The fields of the Decision that it becomes (guardrails/types.py)."""

    id: str
    at: datetime
    intent: Intent
    intent_digest: str
    rulebook: str
    asked: Mapping[str, object]
    approval_id: str = ""
