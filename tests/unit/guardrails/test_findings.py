"""Policies on what is observed: each finding is a sentence with money, its query gives its number again, silence is no answer."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from tests.fixtures.judging import AS_OF, Row, charge, company_with_bills, days, judged_by, policy_of, tags
from tests.fixtures.ledgers import record_decision

from fiscus.flows.evaluate import evaluate
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.findings.finding_subject import subject_of
from fiscus.guardrails.policies.load_policies import library_texts, load_policies
from fiscus.guardrails.policies.policy_set import PolicyTest
from fiscus.guardrails.types import Finding
from fiscus.kernel.errors import LimitExceeded
from fiscus.kernel.limits import FINDINGS_PER_POLICY_MAX
from fiscus.kernel.rows import Rows

NOVEMBER = date(2026, 11, 1)
SANDBOX = {"SubAccountId": "sbx", "SubAccountName": "sandbox", "Tags": "{}"}


def _bills() -> dict[str, list[Row]]:
    usd: list[Row] = []
    for day in days(date(2026, 10, 1), AS_OF):
        usd += [
            charge(day, "10.01", Tags=tags("web"), ResourceId="i-web"),
            charge(day, "4", **SANDBOX, ResourceId="i-sbx-1"),
            charge(day, "2.5", **SANDBOX, ResourceId="i-sbx-2"),
            charge(day, "30", Tags=tags("ml", "staging"), ResourceId="i-gpu", ConsumedQuantity="24", ConsumedUnit="Hours"),
        ]  # fmt: skip
        if day.weekday() < 5:
            usd.append(
                charge(day, "8", Tags=tags("ml", "staging"), ResourceId="i-day", ConsumedQuantity="9", ConsumedUnit="Hours")
            )  # fmt: skip
    eur = [charge(day, "5", **SANDBOX, ResourceId="i-eur", BillingCurrency="EUR") for day in days(NOVEMBER, AS_OF)]
    return {"usd": usd, "eur": eur}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return company_with_bills(tmp_path_factory.mktemp("company"), _bills())


@pytest.fixture
def company(lake: Workspace, tmp_path: Path) -> Workspace:
    """The same lake with a state store of its own."""
    from tests.fixtures.company import open_company

    return replace(lake, state=open_company(tmp_path).state)


def _findings(ws: Workspace, *policies, run: str = "run") -> tuple[Finding, ...]:
    return evaluate(judged_by(ws, "", policies), run).findings


def _evidence(ws: Workspace) -> Counter[str]:
    with ws.state.read() as tx:
        return Counter(record.kind for record in tx.evidence_records())


UNTAGGED = policy_of("untagged", 'charge.team == "unowned"', finding="missing_tags")


def test_a_finding_gathers_what_one_person_can_answer_for_and_keeps_currencies_apart(company: Workspace) -> None:
    found = {finding.currency: finding for finding in _findings(company, UNTAGGED)}
    assert {currency: finding.amount for currency, finding in found.items()} == {
        "USD": Decimal("6.5") * 19,
        "EUR": Decimal(5 * 19),
    }
    usd = found["USD"]
    assert usd.title == "Nobody answers for 123.50 USD on AWS (sandbox): Rule untagged"
    assert usd.targets == ("i-sbx-1", "i-sbx-2")
    assert (usd.rows, usd.first_seen, usd.last_seen) == (38, NOVEMBER, AS_OF - timedelta(days=1))
    assert "38 charges, 2 resources of Amazon Elastic Compute Cloud" in usd.detail


def test_only_open_billing_months_are_judged_without_a_window(company: Workspace) -> None:
    (finding,) = _findings(company, policy_of("web", 'charge.team == "web"'))
    assert (finding.period_label, finding.amount) == ("2026-11", Decimal("10.01") * 19)
    early = replace(company, clock=_at(date(2026, 11, 4)))
    (finding,) = _findings(early, policy_of("web", 'charge.team == "web"'))
    assert (finding.period_label, finding.amount) == ("2026-10 to 2026-11", Decimal("10.01") * 34)


def _at(day: date):
    from datetime import UTC, datetime, time

    from fiscus.kernel.clock import SteppedClock

    return SteppedClock(datetime.combine(day, time(12), UTC))


def test_a_window_of_days_crosses_months(company: Workspace) -> None:
    (finding,) = _findings(company, policy_of("web", 'charge.team == "web"', window_days=30))
    assert (finding.period_label, finding.rows) == ("last 30 days", 30)
    assert finding.first_seen == AS_OF - timedelta(days=30)


def test_a_thing_counts_when_it_matches_on_enough_days(company: Workspace) -> None:
    always_on = policy_of(
        "always-on",
        'charge.environment == "staging"',
        window_days=14,
        days_min=12,
        action="aws.ec2.stop",
        on_error="allow",
    )
    (finding,) = _findings(company, always_on)
    assert finding.targets == ("i-gpu",)
    assert finding.amount == 30 * 14
    assert (finding.action, finding.owner, finding.team, finding.environment) == (
        "aws.ec2.stop",
        "lea",
        "ml",
        "staging",
    )


def test_below_the_minimum_is_counted_not_opened(company: Workspace) -> None:
    evaluation = evaluate(
        judged_by(company, "", [policy_of("untagged", 'charge.team == "unowned"', min_amount=Decimal(100))]), "run"
    )
    assert [finding.currency for finding in evaluation.findings] == ["USD"]
    assert evaluation.controls[0].below_minimum == 1


@pytest.mark.parametrize("policy", [UNTAGGED, policy_of("w", 'charge.team == "ml"', window_days=40, days_min=3)])
def test_its_query_gives_its_number_again(company: Workspace, policy) -> None:
    findings = _findings(company, policy)
    assert findings
    for finding in findings:
        (row,) = company.lake.ask(finding.query, finding.params).dicts()
        assert (row["amount"], row["charges"], tuple(row["largest"])) == (finding.amount, finding.rows, finding.targets)


def test_an_amount_equals_a_sum_made_without_the_policy(company: Workspace) -> None:
    (finding,) = _findings(company, policy_of("gpu", 'charge.ResourceId == "i-gpu"'))
    sql = "SELECT sum(EffectiveCost) FROM lake_charges WHERE ResourceId = 'i-gpu' AND x_BillingMonth = '2026-11'"
    assert company.lake.query(sql).rows[0][0] == finding.amount


def test_twice_over_the_same_lake_changes_nothing(company: Workspace) -> None:
    ws = judged_by(company, "", [UNTAGGED, policy_of("web", 'charge.team == "web"')])
    first = evaluate(ws, "run-1")
    before = _evidence(ws)
    second = evaluate(ws, "run-2")
    assert (len(first.opened), len(second.opened), len(second.resolved)) == (3, 0, 0)
    assert second.findings == first.findings
    assert _evidence(ws) == before
    assert before["finding.opened"] == 3


def test_policies_asked_together_say_what_each_says_alone(company: Workspace) -> None:
    policies = [
        UNTAGGED,
        policy_of(
            "gpu", 'charge.environment == "staging" || charge.ResourceId == "$until"', window_days=14, days_min=12
        ),
        policy_of("quantity", NEEDS_QUANTITY),
    ]
    alone = {finding for policy in policies for finding in map(str, _findings(company, policy))}
    assert {str(finding) for finding in _findings(company, *policies)} == alone


def test_two_evaluations_at_once_open_each_finding_once(company: Workspace) -> None:
    ws = judged_by(company, BUDGET, [UNTAGGED, policy_of("web", 'charge.team == "web"')])
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda n: evaluate(ws, f"run-{n}"), range(4)))
    assert sum(len(one.opened) for one in done) == len(done[0].findings)
    assert _evidence(ws)["finding.opened"] == len(done[0].findings)
    assert not any(one.resolved for one in done)


def test_nothing_of_an_evaluation_stays_when_storing_it_fails(company: Workspace) -> None:
    """A finding without its evidence, or a status without its findings, would be half a truth."""
    ws = replace(judged_by(company, BUDGET, [UNTAGGED]), state=_FailsAtTheEnd(company.state))
    with pytest.raises(RuntimeError, match="disk full"):
        evaluate(ws, "run")
    with company.state.read() as tx:
        assert not tx.findings.all(state=None)
        assert not tx.budget_statuses.newest()
        assert not tx.facts.matching("policy.")
    assert not _evidence(company)


class _FailsAtTheEnd:
    """A store whose transactions do all of their work and then cannot be committed."""

    def __init__(self, state) -> None:
        self._state = state

    def read(self):
        return self._state.read()

    @contextmanager
    def begin(self):
        with self._state.begin() as tx:
            yield tx
            raise RuntimeError("disk full")


def test_what_no_longer_matches_is_resolved_with_evidence(company: Workspace) -> None:
    evaluate(judged_by(company, "", [UNTAGGED]), "run-1")
    after = evaluate(judged_by(company, "", [policy_of("untagged", 'charge.team == "nobody-such"')]), "run-2")
    assert len(after.resolved) == 2
    assert not after.findings
    assert _evidence(company)["finding.resolved"] == 2


def test_a_stricter_version_of_a_policy_is_the_same_finding(company: Workspace) -> None:
    first = _findings(company, UNTAGGED)
    second = _findings(company, replace(UNTAGGED, policy=replace(UNTAGGED.policy, version="v2", level="hard")), run="b")
    assert [finding.id for finding in first] == [finding.id for finding in second]
    assert {finding.policy_version for finding in second} == {"v2"}


NEEDS_QUANTITY = 'charge.ConsumedQuantity > quantity("20.0")'  # most charges here have none: an error, not a no


@pytest.mark.parametrize(
    ("on_error", "kinds"),
    [("allow", ["policy"]), ("hold", ["policy", "policy_error"]), ("deny", ["policy", "policy_error"])],
)
def test_a_charge_that_cannot_be_judged_is_never_silent(company: Workspace, on_error: str, kinds: list[str]) -> None:
    evaluation = evaluate(judged_by(company, "", [policy_of("quantity", NEEDS_QUANTITY, on_error=on_error)]), "run")
    usd = [finding for finding in evaluation.findings if finding.currency == "USD"]
    assert sorted(finding.kind for finding in usd) == kinds
    control = evaluation.controls[0]
    assert control.errors == 19 * 4
    assert control.error_amount == {"EUR": Decimal(95), "USD": (Decimal("10.01") + Decimal("6.5")) * 19}
    for finding in usd:
        if finding.kind == "policy_error":
            assert finding.amount == control.error_amount["USD"]
            (row,) = company.lake.ask(finding.query, finding.params).dicts()
            assert (row["amount"], row["charges"]) == (finding.amount, finding.rows)


class _LakeThatFails:
    """The real lake, except that what people wrote is refused: the answer to a query that runs too long."""

    def __init__(self, lake, reason: str) -> None:
        self._lake, self._reason = lake, reason

    def __getattr__(self, name: str):
        return getattr(self._lake, name)

    def ask(self, sql: str, params=None, *, rows_max=None) -> Rows:
        if "i-gpu" in sql:
            raise LimitExceeded(self._reason, remedy="Narrow it.")
        return self._lake.ask(sql, params, rows_max=rows_max)


def test_a_policy_that_runs_too_long_is_an_error_and_the_others_are_judged(company: Workspace) -> None:
    slow = policy_of("slow", 'charge.ResourceId == "i-gpu"')
    before = evaluate(judged_by(company, "", [slow, UNTAGGED]), "run-1")
    failing = replace(company, lake=_LakeThatFails(company.lake, "The query ran longer than 60 s"))
    after = evaluate(judged_by(failing, "", [slow, UNTAGGED]), "run-2")
    assert {finding.id for finding in before.findings} <= {finding.id for finding in after.findings}
    assert [finding.kind for finding in after.opened] == ["policy_error"]
    assert not after.resolved
    control = next(control for control in after.controls if control.policy_id == "slow")
    assert (control.ran, control.failure) == (False, "The query ran longer than 60 s. Narrow it.")
    assert "1 of 2 controls do not work: slow." in after.sentences()
    allowed = policy_of("slow", 'charge.ResourceId == "i-gpu"', on_error="allow")
    quiet = evaluate(judged_by(failing, "", [allowed, UNTAGGED]), "run-3")
    assert "policy_error" not in {finding.kind for finding in quiet.findings}
    assert not quiet.controls[0].ran


def test_beyond_the_largest_groups_the_rest_is_one_finding(tmp_path: Path) -> None:
    rows = [
        charge(date(2026, 11, 3), f"{n}.5", SubAccountId=f"acc-{n:03d}", ResourceId=f"r-{n}", Tags="{}")
        for n in range(1, FINDINGS_PER_POLICY_MAX + 11)
    ]
    ws = company_with_bills(tmp_path, {"usd": rows})
    findings = _findings(ws, policy_of("untagged", 'charge.team == "unowned"', min_amount=Decimal(3)))
    rest = next(finding for finding in findings if finding.owner == "finops")
    assert len(findings) == FINDINGS_PER_POLICY_MAX + 1
    assert rest.amount == sum(Decimal(f"{n}.5") for n in range(3, 11))
    (row,) = ws.lake.ask(rest.query, rest.params).dicts()
    assert (row["amount"], row["charges"], row["groups"]) == (rest.amount, rest.rows, 8)


BUDGET = """
budgets:
  - {id: ml, title: ML, scope: {team: ml}, period: month, currency: USD, amount: 700, owner: ml, cap: hard}
  - {id: zero, title: Zero, scope: {team: web}, period: month, currency: USD, amount: 0, thresholds: [], owner: otto}
"""


def test_a_policy_on_budgets_sees_where_they_stand(company: Workspace) -> None:
    rule = policy_of(
        "ml-cap",
        'budget.id == "ml" && budget.p_breach >= quantity("0.5") && budget.days_left > 5',
        "budget",
        finding="ai_cap",
    )
    evaluation = evaluate(judged_by(company, BUDGET, [rule]), "run")
    kinds = {finding.kind: finding for finding in evaluation.findings if finding.owner == "ml"}
    assert set(kinds) == {"ai_cap", "budget_forecast"} or set(kinds) == {"ai_cap", "budget_breach"}
    assert kinds["ai_cap"].team == "ml"
    assert subject_of(kinds["ai_cap"])["budget_id"] == "ml"


def test_a_budget_that_a_policy_cannot_judge_is_told_by_on_error(company: Workspace) -> None:
    used = 'budget.used > quantity("0.99")'  # a budget of nothing has no share
    held = evaluate(judged_by(company, BUDGET, [policy_of("used", used, "budget")]), "run-1")
    assert [f.kind for f in held.findings if f.policy_id == "used" and f.owner == "otto"] == ["policy_error"]
    allowed = evaluate(judged_by(company, BUDGET, [policy_of("used", used, "budget", on_error="allow")]), "run-2")
    assert not [f for f in allowed.findings if f.policy_id == "used" and f.owner == "otto"]
    assert allowed.controls[0].errors == 1


def test_a_control_says_that_its_tests_fail(company: Workspace) -> None:
    tests = (
        PolicyTest("budget", {"budget.id": "ml"}, "match", "", 9),
        PolicyTest("budget", {"budget.id": "web"}, "match", "", 12),
    )
    rule = policy_of("ml-only", 'budget.id == "ml"', "budget", tests=tests)
    ws = judged_by(company, BUDGET, [rule])
    (control,) = evaluate(ws, "run").controls
    assert (control.tests, control.passed, control.last_tested) == (2, False, AS_OF)
    assert control.test_failures == ("policies/test.yaml, line 12: expected match, got no_match",)
    with ws.state.read() as tx:
        fact = tx.facts.get("policy.ml-only")
    assert isinstance(fact, dict)
    assert (fact["ran"], fact["fired"], fact["passed"]) == (True, 1, False)
    evaluate(judged_by(company, BUDGET), "run-2")
    with ws.state.read() as tx:
        retired = tx.facts.get("policy.ml-only")
    assert isinstance(retired, dict)
    assert (retired["retired"], retired["ran"], retired["fired"]) == (True, False, 0)


def test_the_tests_of_the_library_pass_on_closures_and_on_sql(company: Workspace) -> None:
    """What judges charges is the SQL: the tests beside a policy are run on it too."""
    library = load_policies(library_texts())
    controls = evaluate(judged_by(company, "", library), "run").controls
    assert [(control.policy_id, control.test_failures) for control in controls if control.test_failures] == []
    assert all(control.tests and control.passed for control in controls)
    assert sum(control.tests for control in controls) > 30


@pytest.mark.parametrize(
    ("given", "expect", "got"),
    [
        ({"charge.details": {"GpuCount": "8"}, "charge.tags": {"po": "1"}}, "no_match", "match"),
        ({"charge.details": {"GpuCount": "8"}}, "match", "no_match"),
        ({}, "match", "no_match"),
        ({"charge.details": {"GpuCount": "8"}, "charge.EffectiveCost": 2 * 10**9}, "error", "match"),
    ],
)
def test_a_wrong_answer_over_charges_fails_the_control(company: Workspace, given, expect: str, got: str) -> None:
    rule = policy_of(
        "gpu",
        "has(charge.details.GpuCount) && (has(charge.tags.po) || (has(charge.EffectiveCost) && charge.EffectiveCost > 0))",
        tests=(PolicyTest("charge", given, expect, "", 8),),
    )  # fmt: skip
    (control,) = evaluate(judged_by(company, "", [rule]), "run").controls
    assert control.test_failures == (
        f"policies/test.yaml, line 8: expected {expect}, got {got}",
        f"policies/test.yaml, line 8: expected {expect}, got {got} over the charges",
    )


def test_a_test_holds_the_verdict_too(company: Workspace) -> None:
    rule = policy_of(
        "pay", 'intent.amount > money("5 USD")', "ai.request", effect="deny",
        tests=(PolicyTest("ai.request", {"intent.amount": 6 * 10**9, "intent.currency": "USD"}, "match", "deny", 7),),
    )  # fmt: skip
    (control,) = evaluate(judged_by(company, "", [rule]), "run").controls
    assert control.test_failures == ("policies/test.yaml, line 7: expected verdict deny, got verdict require_approval",)


def test_a_case_closed_while_the_match_stands_is_an_override(company: Workspace) -> None:
    from fiscus.ownership.types import Case, CaseSubject

    ws = judged_by(company, "", [UNTAGGED])
    first = evaluate(ws, "run-1")
    finding = first.findings[0]
    subject = CaseSubject("finding", f"finding|{finding.id}", finding.title, "", finding.amount, "USD", "low", "fay")
    with ws.state.begin() as tx:
        tx.cases.put(Case("case-1", subject, "closed", "owner", "fay", ws.clock.now(), None, ()))
    assert first.controls[0].overridden == 0
    assert evaluate(ws, "run-2").controls[0].overridden == 1


def test_what_a_policy_said_to_intents_is_in_its_control(company: Workspace) -> None:
    from fiscus.guardrails.types import Decision, Intent, PolicyResult

    rule = policy_of("ml-cap", 'budget.id == "ml"', "budget")
    ws = judged_by(company, BUDGET, [rule])
    intent = Intent("ai.request", "max", "ml", "staging", Decimal(1), "USD")
    said = (PolicyResult("ml-cap", "v1", "soft", "match", "require_approval", ""),)
    wrong = (PolicyResult("ml-cap", "v1", "soft", "error", "require_approval", ""),)
    for number, results in enumerate((said, wrong, said)):
        given = Decision(f"dec-{number}", ws.clock.now(), intent, "", "allow", (), results, (), "", "", False, "")
        record_decision(ws.ledger, given)
    (control,) = evaluate(ws, "run").controls
    assert (control.asked, control.fired, control.errors) == (3, 1 + 2, 1)


def test_nothing_is_stored_when_the_lake_cannot_be_read(company: Workspace) -> None:
    class Gone:
        def __getattr__(self, name: str):
            raise OSError("the lake is gone")

    ws = replace(judged_by(company, BUDGET, [UNTAGGED]), lake=Gone())
    with pytest.raises(OSError, match="gone"):
        evaluate(ws, "run")
    with company.state.read() as tx:
        assert not tx.findings.all()
        assert not tx.budget_statuses.newest()
