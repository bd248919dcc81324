"""A decision in the ledger's evidence: what is written comes back, in the canonical form, whoever wrote it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fiscus.guardrails.types import Decision, Headroom, Intent, PolicyResult
from fiscus.kernel.canonical import canonical_bytes
from fiscus.stores.ledger import rows

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)
SILENT = PolicyResult("ai-off-hours", "v1", "warn", "no_match", "allow", "")
LOUD = PolicyResult("ai-cap", "v2", "hard", "match", "deny", "5.00 USD: too much.")
UNSURE = PolicyResult("ai-unsure", "v3", "soft", "error", "allow", "This could not be judged.")
ROW = Headroom("ml", "2026-11", "USD", *[Decimal("1.5")] * 7, "hard", AT.date())


def decision(*policies: PolicyResult) -> Decision:
    intent = Intent("ai.request", "max", "ml", "dev", Decimal(5), "USD", attributes={"model": "é", "a": 1})
    asked = {"roles": ["lead"], "moment": {"now.hour": 3}}
    return Decision(
        "dec-1", AT, intent, "digest", "allow", ("Fits.",), policies, (ROW,), "Go ahead.", "lake 1", True, "", asked=asked
    )  # fmt: skip


@pytest.mark.parametrize("policies", [(), (SILENT,), (SILENT, LOUD, UNSURE)])
def test_what_is_written_comes_back(policies: tuple[PolicyResult, ...]) -> None:
    made = decision(*policies)
    body = rows.body_of([{"what": "decided", "decision": made}])
    assert rows.decisions_of(body.decode()) == [made]
    assert (
        rows.body_of([{"what": "decided", "decision": replace(made)}]) == body
    )  # one that was kept, and one that was not


def test_it_stands_as_rfc_8785_writes_it() -> None:
    body = rows.body_of([{"what": "decided", "decision": decision(SILENT, LOUD, UNSURE)}])
    assert canonical_bytes(json.loads(body)) == body


def test_what_a_policy_does_not_say_is_not_written() -> None:
    body = json.loads(rows.body_of([{"what": "decided", "decision": decision(SILENT, LOUD)}]))
    silent, loud = body["entries"][0]["decision"]["policies"]
    assert silent == {"level": "warn", "policy_id": "ai-off-hours", "version": "v1"}
    assert {name: loud[name] for name in ("result", "verdict", "reason")} == {
        "result": "match",
        "verdict": "deny",
        "reason": LOUD.reason,
    }


def test_a_record_from_before_that_was_left_out_is_read_as_ever() -> None:
    made = decision(SILENT, LOUD)
    assert rows.decisions_of(rows.text({"entries": [{"what": "decided", "decision": made}]})) == [made]


@given(st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=2))])))
def test_an_instant_is_written_as_python_writes_it(at: datetime) -> None:
    assert rows.instant(at) == at.isoformat()
