"""An exception that has ended is ignored, and whoever answers for it is told until it is renewed or gone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.fixtures.company import open_company

from fiscus.flows.evaluate import evaluate
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.policies.load_policies import load_policies

POLICY = """
policies:
  - id: frozen
    title: Nothing is bought
    on: [saas.seat]
    when: 'true'
    level: hard
    on_error: deny
    effect: deny
    reason: The year is nearly over.
    remedy: Wait.
    owner: finops
    effective: {until: %s}
    exceptions:
      - {match: {team: ml}, owner: max, reason: A trial., until: %s}
"""


def _with(ws: Workspace, until: str, ends: str = "2026-12-31") -> Workspace:
    policies = load_policies({"policies/test.yaml": POLICY % (ends, until)})
    return replace(ws, config=replace(ws.config, policies=policies))


def test_an_exception_that_ended_is_a_finding_of_its_owner_until_it_is_renewed(tmp_path: Path) -> None:
    ws = open_company(tmp_path)
    assert evaluate(_with(ws, "2026-11-20"), "run-1").findings == ()
    (finding,) = evaluate(_with(ws, "2026-11-19"), "run-2").findings
    assert (finding.kind, finding.owner, finding.amount) == ("exception_expired", "max", 0)
    assert finding.title == "An exception ended on 2026-11-19 and is ignored: Nothing is bought"
    assert 'intent.team == "ml": A trial. Renew it in policies/test.yaml, line 15' in finding.detail
    assert not evaluate(_with(ws, "2026-11-19"), "run-3").opened
    assert evaluate(_with(ws, "2026-12-31"), "run-4").resolved == (replace(finding, state="resolved"),)


def test_a_policy_that_is_not_in_force_tells_of_nothing(tmp_path: Path) -> None:
    ws = open_company(tmp_path)
    assert evaluate(_with(ws, "2026-11-01", ends="2026-11-19"), "run-1").findings == ()
