"""Policies on resources, anomalies and invoices, and what exceptions leave of policies on what is spent already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.fixtures.company import open_company
from tests.fixtures.judging import AS_OF, Row, charge, company_with_bills, days, policy_of, tags

from fiscus.flows.evaluate import Evaluation, evaluate
from fiscus.flows.find_anomalies import CURRENT_FACT
from fiscus.flows.find_price_changes import KIND as PRICE_KIND
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.findings.anomaly_subjects import anomaly_facts
from fiscus.guardrails.policies.facts import facts_of
from fiscus.guardrails.policies.load_policies import load_policies
from fiscus.guardrails.policies.moment import Freeze
from fiscus.guardrails.types import Finding
from fiscus.kernel.clock import SteppedClock
from fiscus.kernel.errors import Unavailable
from fiscus.kernel.limits import FACT_TEXT_CHARS_MAX
from fiscus.signals.types import Anomaly, Contribution

OCTOBER, NOVEMBER = date(2026, 10, 1), date(2026, 11, 1)


def _bills() -> dict[str, list[Row]]:
    rows: list[Row] = []
    for day in days(date(2026, 9, 1), AS_OF):
        number = {"InvoiceId": f"INV-{day:%Y-%m}", "ListCost": "20"}
        rows.append(charge(day, "10", Tags=tags("web"), ResourceId="i-web", ResourceName="shop", **number))
        if day < date(2026, 11, 10):  # nothing since
            rows.append(
                charge(day, "4", Tags=tags("ml", "staging"), ResourceId="i-idle", ResourceType="instance", **number)
            )
        if day >= date(2026, 11, 14):  # a week old, in its second name
            late = {
                "ResourceName": "new" if day > date(2026, 11, 15) else "old",
                "ConsumedQuantity": "24",
                "ConsumedUnit": "Hours",
            }
            rows.append(charge(day, "30", Tags=tags("ml", "staging"), ResourceId="i-gpu", **late, **number))
    rows.append(
        charge(date(2026, 11, 2), "100", ChargeCategory="Tax", ResourceId="", Tags="{}", InvoiceId="INV-2026-11")
    )
    rows.append(charge(date(2026, 11, 3), "7", ResourceId="", Tags="{}"))
    return {"usd": rows}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return company_with_bills(tmp_path_factory.mktemp("company"), _bills())


@pytest.fixture
def company(lake: Workspace, tmp_path: Path) -> Workspace:
    return replace(lake, state=open_company(tmp_path).state)


def _judged(ws: Workspace, *changes: Mapping[str, Any]) -> Evaluation:
    policies = [
        {
            "id": f"p{number}", "title": f"Rule {number}", "level": "soft", "on_error": "allow", "reason": "Because.",
            "remedy": "Mend it.", "owner": "finops", **change,
        }
        for number, change in enumerate(changes)
    ]  # fmt: skip
    loaded = load_policies({"policies/test.yaml": yaml.safe_dump({"policies": policies})})
    evaluation = evaluate(replace(ws, config=replace(ws.config, policies=loaded)), "run")
    by_policy = tuple(one for one in evaluation.findings if one.kind != PRICE_KIND)  # what no policy asked is told too
    return replace(evaluation, findings=by_policy)


def _found(ws: Workspace, *changes: Mapping[str, Any]) -> tuple[Finding, ...]:
    return _judged(ws, *changes).findings


def _on_resource(when: str, **changes: object) -> Mapping[str, Any]:
    return {"on": ["resource"], "when": when, **changes}


class TestResources:
    @pytest.mark.parametrize(
        ("when", "ids"),
        [
            ("resource.days_since_seen >= 9", ("i-idle",)),
            ("resource.age_days < 7 && resource.days_seen == 6", ("i-gpu",)),
            ('resource.name == "new" && resource.hours == quantity("144")', ("i-gpu",)),
            ('resource.cost_last_7_days > money("150.00 USD") && resource.cost_7_days_before == 0', ("i-gpu",)),
            ('resource.cost == money("300 USD") && resource.billed_cost == money("600 USD")', ("i-web",)),
            ('resource.first_seen == "2026-10-21" && resource.last_seen == "2026-11-19"', ("i-web",)),
            ('resource.tags.environment == "staging" && resource.type == "instance"', ("i-idle",)),
            ('resource.team == "ml" && !resource.committed', ("i-gpu", "i-idle")),
        ],
    )
    def test_what_a_resource_cost_and_when_it_was_seen_is_asked_once_a_resource(
        self, company: Workspace, when: str, ids: tuple[str, ...]
    ) -> None:
        found = _found(company, _on_resource(when))
        assert sorted(name for finding in found for name in finding.targets) == list(ids)
        assert {finding.period_label for finding in found} == {"last 30 days"}

    @pytest.mark.parametrize(("window", "seen"), [(1, 1), (30, 30), (81, 80), (400, 80)])
    def test_the_days_of_a_long_window_are_counted(self, company: Workspace, window: int, seen: int) -> None:
        """From September on: days on both sides of the fiftieth, the hundredth and so on back."""
        (finding,) = _found(
            company, _on_resource(f'resource.id == "i-web" && resource.days_seen == {seen}', window_days=window)
        )
        assert finding.rows == seen
        later = replace(company, clock=SteppedClock(datetime(2027, 3, 20, 12, tzinfo=UTC)))
        when = 'resource.id == "i-web" && resource.days_seen == 80 && resource.days_since_seen == 120 && resource.age_days == 200'
        assert len(_found(later, _on_resource(when, window_days=400))) == 1

    def test_its_query_gives_its_number_again(self, company: Workspace) -> None:
        (finding,) = _found(company, _on_resource('resource.team == "ml"'))
        rows = company.lake.query(finding.query, finding.params)
        (row,) = rows.dicts()
        assert (row["amount"], row["charges"], row["resources"]) == (finding.amount, finding.rows, 2)
        assert finding.amount == Decimal(6 * 30 + 20 * 4)

    def test_a_policy_on_charges_and_resources_has_findings_of_both(self, company: Workspace) -> None:
        when = {"charge": 'charge.team == "web"', "resource": 'resource.team == "web"'}
        found = _found(company, {"on": ["charge", "resource"], "when": when}, _on_resource('resource.team == "web"'))
        assert sorted((finding.policy_id, finding.amount) for finding in found) == [
            ("p0", 190), ("p0", 300), ("p1", 300),
        ]  # fmt: skip
        assert len({finding.id for finding in found}) == 3

    def test_what_has_no_answer_is_counted_and_told(self, company: Workspace) -> None:
        (finding,) = _found(
            company, _on_resource('resource.hours > quantity("1")', on_error="hold", min_amount=1_000_000)
        )
        assert finding.kind == "policy_error"
        assert finding.amount == Decimal(300 + 80)

    def test_policies_that_are_asked_together_answer_as_each_alone(self, company: Workspace) -> None:
        """Two windows, texts that look like parameters, exceptions, errors."""
        policies = (
            _on_resource('resource.team == "ml" || resource.name == "$until_0 $since_resources_30"'),
            _on_resource(
                "resource.days_seen > 3", window_days=10, exceptions=[{**EXCEPTION, "match": {"team": "web"}}]
            ),
            _on_resource('resource.hours > quantity("1")', on_error="hold", days_min=2),
            _on_resource("resource.days_since_seen >= 9"),
        )
        together = {finding.id: finding for finding in _found(company, *policies)}
        alone = [
            _found(company, *({"on": ["budget"], "when": "false"},) * n, policy) for n, policy in enumerate(policies)
        ]
        assert together == {finding.id: finding for found in alone for finding in found}
        assert len(together) >= 5

    def test_an_action_is_planned_on_resources(self, company: Workspace) -> None:
        (finding,) = _found(company, _on_resource("resource.days_since_seen > 5", effect="act", action="aws.ec2.stop"))
        assert (finding.action, finding.targets) == ("aws.ec2.stop", ("i-idle",))

    def test_tests_beside_it_run_as_sql(self, company: Workspace) -> None:
        given = {"resource": {"days_seen": 3, "committed": False, "cost": "5", "currency": "USD", "tags": {"a": "b"}}}
        when = (
            'resource.days_seen >= 3 && !resource.committed && resource.cost > money("4 USD") && resource.tags.a == "b"'
        )
        tests = [{"given": given, "expect": "match"}, {"given": {"resource": {}}, "expect": "match"}]
        (control,) = _judged(company, _on_resource(when, tests=tests)).controls
        assert (control.tests, control.passed) == (2, False)
        assert [text.partition(": ")[2] for text in control.test_failures] == [
            "expected match, got error (resource.days_seen is not given)", "expected match, got error over the resources",
        ]  # fmt: skip


def _anomaly(**changes: Any) -> Anomaly:
    one = Anomaly(
        id="ano-1", owner="ml", team="ml", service="Compute", provider="AWS", environment="staging", currency="USD",
        start=date(2026, 11, 14), end=date(2026, 11, 20), actual=Decimal("180.5"), expected=Decimal(24), low=Decimal(20),
        high=Decimal(30), impact=Decimal("156.5"), score=Decimal("9.5"),
        contributions=(Contribution("resource", "i-gpu", Decimal(150)), Contribution("resource", "i-idle", Decimal(6))),
    )  # fmt: skip
    return replace(one, **changes)


class TestAnomalies:
    @pytest.fixture
    def odd(self, company: Workspace) -> Workspace:
        """Two anomalies that the newest look found, and one of before."""
        small, past = _anomaly(id="ano-2", impact=Decimal(3), owner="web"), _anomaly(id="ano-0")
        with company.state.begin() as tx:
            tx.anomalies.put_all([_anomaly(), small, past], "look")
            tx.facts.put(CURRENT_FACT, ["ano-1", "ano-2"])
        return company

    def test_each_that_is_current_is_asked(self, odd: Workspace) -> None:
        when = 'anomaly.impact > money("2 USD") && anomaly.running && anomaly.explained_by.resource == "i-gpu"'
        large, small = sorted(_found(odd, {"on": ["anomaly"], "when": when}), key=lambda finding: -finding.amount)
        assert large.title == "Compute (AWS) cost 156.50 USD more than expected from 2026-11-14 to 2026-11-19: Rule 0"
        assert (large.owner, large.amount, small.owner, small.amount) == ("ml", Decimal("156.5"), "web", 3)
        assert (large.first_seen, large.last_seen) == (date(2026, 11, 14), date(2026, 11, 19))

    def test_a_freeze_counts_in_its_environment(self, odd: Workspace) -> None:
        day = datetime(2026, 11, 20, tzinfo=UTC)
        frozen = replace(odd.config, freezes=(Freeze("launch", day, day + timedelta(days=1), ("staging",)),))
        when = 'has(now.freeze) && now.fiscal_year == 2027 && anomaly.owner == "ml"'
        assert _found(odd, {"on": ["anomaly"], "when": when}) == ()
        assert len(_found(replace(odd, config=frozen), {"on": ["anomaly"], "when": when})) == 1

    def test_every_fact_is_given_and_nothing_else(self) -> None:
        given = set(anomaly_facts(_anomaly(), AS_OF))
        assert given == {name for name in facts_of("anomaly") if name.startswith("anomaly.")}
        facts = anomaly_facts(_anomaly(expected=Decimal(0)), AS_OF)
        assert "anomaly.ratio" not in facts
        assert (facts["anomaly.days"], facts["anomaly.days_ago"], facts["anomaly.end"]) == (6, 0, "2026-11-19")

    def test_a_text_that_is_too_long_to_be_read_is_an_error_and_not_another_text(self, odd: Workspace) -> None:
        facts = anomaly_facts(_anomaly(owner="x" * (FACT_TEXT_CHARS_MAX + 1)), AS_OF)

        def asked(when: str) -> str:
            return policy_of("p", when, "anomaly").closures["anomaly"](facts)[0]

        for when in ('anomaly.owner == "ml"', 'anomaly.owner != "ml"', 'anomaly.owner in ["ml"]', 'anomaly.owner.contains("x")',
                     'anomaly.owner.startsWith("x")', 'anomaly.owner.matches("x")', "size(anomaly.owner) > 1",
                     "anomaly.team.contains(anomaly.owner)"):  # fmt: skip
            assert asked(when) == "error", when
        assert asked("has(anomaly.owner)") == "match"

    def test_what_has_no_answer_follows_on_error(self, odd: Workspace) -> None:
        when = 'anomaly.explained_by.sku == "x"'
        assert {one.kind for one in _found(odd, {"on": ["anomaly"], "when": when, "on_error": "hold"})} == {
            "policy_error"
        }
        evaluation = _judged(odd, {"on": ["anomaly"], "when": when})
        assert evaluation.findings == ()
        assert (evaluation.controls[0].errors, evaluation.controls[0].error_amount) == (2, {"USD": Decimal("159.5")})


class TestInvoices:
    def test_each_invoice_is_added_up_and_held_against_the_month_before(self, company: Workspace) -> None:
        # October: 31 × 14 effective, twice that billed. November so far: 19 × 10, 9 × 4, 6 × 30 and the tax; 7 beside it.
        when = (
            'invoice.billed == money("1012 USD") && invoice.tax == money("200 USD") && invoice.usage == money("812 USD") && '
            'invoice.issuer_total == money("1026 USD") && invoice.issuer_total_before == money("868 USD") && invoice.open && '
            'invoice.growth > quantity("1.18") && invoice.growth < quantity("1.19") && invoice.charges == 35 && '
            'invoice.unowned == money("200 USD") && invoice.month == "2026-11" && invoice.id == "INV-2026-11"'
        )
        (finding,) = _found(company, {"on": ["invoice"], "when": when})
        assert finding.title.startswith(
            "Invoice INV-2026-11 of Amazon Web Services, Inc. for 2026-11, 1,012.00 USD: Rule 0"
        )
        (row,) = company.lake.query(finding.query, finding.params).dicts()
        assert (row["amount"], row["charges"]) == (finding.amount, finding.rows)

    def test_this_month_and_the_one_before_are_looked_at_unless_a_window_says_more(self, company: Workspace) -> None:
        def months(**changes: object) -> list[str]:
            return sorted(one.period_label for one in _found(company, {"on": ["invoice"], "when": "true", **changes}))

        assert months() == ["2026-10", "2026-11", "2026-11"]
        assert months(window_days=80) == ["2026-09", "2026-10", "2026-11", "2026-11"]

    def test_the_first_month_has_nothing_before_it_and_that_is_an_error_not_a_zero(self, company: Workspace) -> None:
        policy = {"on": ["invoice"], "when": 'invoice.growth > quantity("1")', "window_days": 80, "on_error": "deny"}
        found = _found(company, policy)
        assert sorted((one.kind, one.period_label) for one in found) == [
            ("policy", "2026-10"), ("policy", "2026-11"), ("policy", "2026-11"), ("policy_error", "2026-09"),
        ]  # fmt: skip

    def test_a_lake_that_cannot_be_read_fails_its_policies_and_no_other(self, company: Workspace) -> None:
        class Lame:
            def __getattr__(self, name: str) -> Any:
                return getattr(company.lake, name)

            def query(self, sql: str, params: Mapping[str, object] | None = None) -> Any:
                if "InvoiceIssuerName" in sql:
                    raise Unavailable("The lake is gone", remedy="Wait.")
                return company.lake.query(sql, params or {})

        policies = ({"on": ["invoice"], "when": "true", "on_error": "hold"}, _on_resource('resource.team == "web"'))
        evaluation = _judged(replace(company, lake=Lame()), *policies)
        found = sorted((one.policy_id, one.kind) for one in evaluation.findings)
        assert found == [("p0", "policy_error"), ("p1", "policy")]
        assert [control.ran for control in evaluation.controls] == [False, True]


EXCEPTION = {"owner": "finops", "reason": "A trial.", "until": "2026-11-20"}


class TestExceptions:
    @pytest.mark.parametrize(("target", "amount"), [("charge", 190), ("resource", 300)])
    def test_what_is_excepted_is_no_finding(self, company: Workspace, target: str, amount: int) -> None:
        policy = {"on": [target], "when": "true", "exceptions": [{**EXCEPTION, "match": {"team": ["ml", "unowned"]}}]}
        assert [finding.amount for finding in _found(company, policy)] == [amount]
        ended = {**policy, "exceptions": [{**policy["exceptions"][0], "until": "2026-11-19"}]}
        assert {finding.kind for finding in _found(company, ended)} == {"policy", "exception_expired"}
        assert len(_found(company, ended)) > 2

    @pytest.mark.parametrize("target", ["charge", "resource"])
    def test_a_weaker_level_or_no_action_is_a_finding_of_its_own(self, company: Workspace, target: str) -> None:
        exceptions = [
            {**EXCEPTION, "match": {"tag:team": "ml"}, "level": "warn"},
            {**EXCEPTION, "match": {"team": "ml", "environment": "staging"}, "effect": "warn"},
            {**EXCEPTION, "match": {"team": "unowned"}},
        ]
        policy = {"on": [target], "when": "true", "effect": "act", "action": "aws.ec2.stop", "exceptions": exceptions}
        found = {finding.team: finding for finding in _found(company, policy)}
        assert {team: (one.level, one.action) for team, one in found.items()} == {
            "web": ("soft", "aws.ec2.stop"), "ml": ("soft", None),
        }  # fmt: skip
        for finding in found.values():
            (row,) = company.lake.query(finding.query, finding.params).dicts()
            assert row["amount"] == finding.amount

    def test_an_error_is_excused_too_and_an_exception_without_an_answer_does_not_apply(
        self, company: Workspace
    ) -> None:
        unknown = {"on": ["resource"], "when": 'resource.hours > quantity("1000")', "on_error": "hold"}
        excused = {**unknown, "exceptions": [{**EXCEPTION, "match": {"team": ["ml", "web"]}}]}
        assert _found(company, excused) == ()
        unread = {**unknown, "exceptions": [{**EXCEPTION, "when": 'resource.hours < quantity("1")'}]}
        assert [finding.kind for finding in _found(company, unread)] == ["policy_error"]

    def test_budgets_and_invoices_know_exceptions(self, company: Workspace) -> None:
        policy = {"on": ["invoice"], "when": "true", "exceptions": [{**EXCEPTION, "match": {"month": "2026-11"}}]}
        assert [finding.period_label for finding in _found(company, policy)] == ["2026-10"]

    @pytest.mark.parametrize("target", ["charge", "resource", "invoice"])
    def test_what_is_allowed_is_no_finding(self, company: Workspace, target: str) -> None:
        assert _found(company, {"on": [target], "when": "true", "effect": "allow"}) == ()
