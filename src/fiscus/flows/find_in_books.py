"""Findings that no policy text asks for: what the books themselves show of commitments, credits, double counts and prices."""

from __future__ import annotations

from collections.abc import Sequence

from fiscus.flows.find_commitments import commitment_findings
from fiscus.flows.find_credits import credit_findings
from fiscus.flows.find_marketplaces import marketplace_findings
from fiscus.flows.find_price_changes import price_findings
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.types import Finding


def findings_in_books(ws: Workspace) -> Sequence[Finding]:
    """All of them, as of the workspace's day. Reads the lake only."""
    return [*commitment_findings(ws), *credit_findings(ws), *marketplace_findings(ws), *price_findings(ws)]
