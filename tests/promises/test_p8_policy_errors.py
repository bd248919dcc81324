"""P8: a policy error never silently allows or blocks.

Each trial takes a policy whose condition reads something and an intent that lacks exactly that (or has it in another currency,
too large, of another type, not a number). Wrong types and numbers that are none are refused at the door, by the field;
a condition that cannot be is refused when it is loaded. Whatever is left is an error: it contributes what the policy's `on_error`
says as far as its level goes, with the reason, and it is counted in the evidence and in the policy's control record.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest
from tests.fixtures.company import open_company
from tests.fixtures.judging import AS_OF, charge, company_with_bills, days, policy_of, tags
from tests.promises.report import Row, promise

from fiscus.flows.decide_intent import POLICY_ERRORS, decide_intent
from fiscus.flows.evaluate import evaluate
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.decisions.decide import Asked, decide
from fiscus.guardrails.decisions.intent import parse_intent
from fiscus.guardrails.decisions.rules import Rules
from fiscus.guardrails.policies.check_condition import check_condition
from fiscus.guardrails.policies.compile_closure import compile_closure
from fiscus.guardrails.policies.policy_set import CompiledException, CompiledPolicy, PolicySet
from fiscus.guardrails.types import VERDICTS, Decision, PolicyException, PolicyTarget, Verdict
from fiscus.kernel.errors import BadInput, FiscusError, LimitExceeded, Unavailable
from fiscus.kernel.periods import FiscalCalendar

FRIDAY: Final = datetime(2026, 11, 20, 14, tzinfo=UTC)
LEVELS: Final = ("observe", "warn", "soft", "hard")
ON_ERROR: Final = ("allow", "hold", "deny")
# What an error must come to, written down by hand: (on_error, level) -> verdict.
EXPECTED: Final[Mapping[tuple[str, str], Verdict]] = {
    ("allow", "observe"): "allow", ("allow", "warn"): "allow", ("allow", "soft"): "allow", ("allow", "hard"): "allow",
    ("hold", "observe"): "allow", ("hold", "warn"): "warn", ("hold", "soft"): "require_approval",
    ("hold", "hard"): "require_approval", ("deny", "observe"): "allow", ("deny", "warn"): "warn",
    ("deny", "soft"): "require_approval", ("deny", "hard"): "deny",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Fault:
    """A condition, what an intent must have so that it has an answer, and what is done to that. `told`: what the reason names."""

    kind: PolicyTarget
    when: str
    whole: Mapping[str, object]
    broken: Mapping[str, object]
    told: str


FAULTS: Final = (
    Fault("ai.request", "intent.max_tokens > 100", {"max_tokens": 5}, {}, "intent.max_tokens is not given"),
    Fault("ai.request", "!intent.stream", {"stream": True}, {}, "intent.stream is not given"),
    Fault("ai.request", "intent.max_tokens * 4000000000 > intent.input_tokens * 2", {"max_tokens": 1, "input_tokens": 1},
          {"max_tokens": 9_000_000_000, "input_tokens": 1}, "too large"),
    Fault("ai.request", 'intent.amount > money("5.00 EUR")', {"currency": "EUR"}, {}, "the policy speaks of EUR"),
    Fault("ai.request", 'intent.model == "x" ? false : intent.input_tokens > 1', {"input_tokens": 1}, {"model": "y"},
          "intent.input_tokens is not given"),
    Fault("resource.provision", 'intent.tags.tier == "gold"', {"tags": {"tier": "lead"}}, {"tags": {"other": "x"}},
          "intent.tags has no tier"),
    Fault("resource.provision", "intent.gpu || intent.count > 3", {"gpu": True}, {"count": 1}, "intent.gpu is not given"),
    Fault("resource.provision", "intent.amount > intent.monthly_before", {"monthly_before": "9999"}, {},
          "intent.monthly_before is not given"),
    Fault("saas.seat", 'intent.seat_price * intent.seats > money("99.00 USD")', {"seat_price": "1", "seats": 2}, {"seats": 2},
          "intent.seat_price is not given"),
    Fault("commitment.purchase", 'intent.coverage_after > quantity("0.9")', {"coverage_after": "0.5"}, {},
          "intent.coverage_after is not given"),
    Fault("marketplace.purchase", "intent.term_months > 12 && now.fiscal_year == 2027", {"term_months": 12}, {"term_months": 13},
          "now.fiscal_year is not given"),
)  # fmt: skip
REFUSED: Final[tuple[Mapping[str, object], ...]] = (
    {"max_tokens": "many"}, {"max_tokens": 1.5}, {"max_tokens": True}, {"max_tokens": 2**63}, {"stream": "yes"},
    {"amount": "NaN"}, {"amount": "Infinity"}, {"amount": 5.0}, {"amount": "1e99999"}, {"amount": None}, {"amount": "-1"},
    {"model": 7}, {"model": ["x"]}, {"model": "x" * 10_000_000}, {"model": "a\0b"}, {"currency": "usd"}, {"modle": "x"},
)  # fmt: skip
CANNOT_BE: Final = (
    "intent.max_tokens / 0 > 1", "intent.max_tokens % 2 == 0", "intent.max_tokenz > 5", "intent.amount > 5", "1 / 0 == 1",
    'intent.amount > money("5 USD") + money("5 EUR")', "intent.model > 5", "intent.model", "intent.stream == null",
    'intent.amount > money("NaN USD")', "lower(intent.model) == 'x'", "intent.max_tokens > 9223372036854775808",
)  # fmt: skip


def test_an_error_comes_to_what_the_policy_says_and_is_told() -> None:
    with promise("P8", trials=10_000) as row:
        random = Random(row.seed)
        policies = [(fault, policy_of("p", fault.when, fault.kind)) for fault in FAULTS]
        seen = Counter[str]()
        for number in range(row.trials):
            row.faults += 1
            match number % 10:
                case 8:
                    _refused_at_the_door(row, random.choice(REFUSED))
                case 9:
                    _refused_at_load(row, random.choice(CANNOT_BE))
                case _:
                    seen[_judged(row, random, *random.choice(policies))] += 1
        row.note = f"errors came to {dict(sorted(seen.items()))}"


def _intent(kind: str, asked: Mapping[str, object]) -> Any:
    of_intent = {"currency", "amount"}
    data: dict[str, object] = {
        "kind": kind, "requested_by": "max", "team": "ml", "environment": "staging", "amount": "5.00", "currency": "USD",
        "attributes": {name: value for name, value in asked.items() if name not in of_intent},
    }  # fmt: skip
    return parse_intent(data | {name: value for name, value in asked.items() if name in of_intent})


def _asked(kind: str, given: Mapping[str, object], *, whole: bool) -> Asked:
    return Asked(_intent(kind, given), (), "ml", "CC", FRIDAY, moment={"now.fiscal_year": 2027} if whole else {})


def _judged(row: Row, random: Random, fault: Fault, compiled: CompiledPolicy) -> str:
    level, on_error = random.choice(LEVELS), random.choice(ON_ERROR)
    policy = replace(
        compiled.policy, level=level, on_error=on_error, effect=random.choice(("warn", "require_approval", "deny"))
    )
    bystander = policy_of("q", "true", fault.kind, level="warn", effect="warn")
    exceptions = _exceptions(random, fault) if random.random() < 0.3 else ()
    asked = PolicySet((replace(compiled, policy=policy, exceptions={fault.kind: exceptions}), bystander))
    rules = Rules(asked, (), FiscalCalendar(2))
    case = f"{fault.when} at {level}, on_error {on_error}"

    whole = decide(_asked(fault.kind, fault.whole, whole=True), rules, {}).policies
    if any(result.result == "error" for result in whole):
        row.violated(f"{case}: an intent that lacks nothing is an error")
    judged = decide(_asked(fault.kind, fault.broken, whole=False), rules, {})
    (result,) = (one for one in judged.policies if one.policy_id == "p")
    expected = EXPECTED[on_error, level]
    if (result.result, result.verdict) != ("error", expected):
        row.violated(f"{case}: {result.result}, {result.verdict} instead of error, {expected}")
    if fault.told not in result.reason or f"on_error: {on_error}" not in result.reason:
        row.violated(f"{case}: the reason does not tell: {result.reason}")
    if exceptions and "An exception could not be judged" not in result.reason:
        row.violated(f"{case}: an exception that could not be judged is not told")
    if expected != "allow" and result.reason not in judged.reasons:
        row.violated(f"{case}: it is missing in the reasons of the decision")
    if judged.verdict != (expected if expected != "allow" else "warn"):  # the bystander warns
        row.violated(f"{case}: the decision is {judged.verdict}")
    return expected


def _exceptions(random: Random, fault: Fault) -> tuple[CompiledException, ...]:
    """One that cannot be judged where the policy cannot: it must not excuse anything."""
    until = date(2026, 12, random.randint(1, 28))
    exception = PolicyException({fault.kind: fault.when}, "finops", "A trial.", until, "allow", "hard", 1)
    node = check_condition(fault.when, fault.kind, lambda message, _: AssertionError(message))
    return (CompiledException(exception, 1, node, compile_closure(node)),)


def _refused_at_the_door(row: Row, asked: Mapping[str, object]) -> None:
    try:
        _intent("ai.request", asked)
        row.violated(f"{str(asked)[:80]} was read")
    except BadInput as refused:
        (name,) = asked
        if refused.where is None or name not in str(refused.where) or not refused.remedy:
            row.violated(f"{str(asked)[:80]}: the field or the remedy is not named: {str(refused)[:200]}")


def _refused_at_load(row: Row, condition: str) -> None:
    try:
        check_condition(condition, "ai.request", lambda message, remedy: ValueError(f"{message}|{remedy}"))
        row.violated(f"{condition} loads")
    except ValueError as refused:
        message, _, remedy = str(refused).partition("|")
        if not message or not remedy:
            row.violated(f"{condition}: no message or no remedy")


class Flaky:
    """A port that passes everything on, but fails where it is told to: a store or a lake that is gone for a moment."""

    def __init__(self, port: Any, method: str, fault: FiscusError, random: Random, share: float) -> None:
        self._port, self._method, self._fault, self._random, self._share = port, method, fault, random, share
        self.failed = 0

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._port, name)
        if name != self._method:
            return found

        def flaky(*args: Any, **kwargs: Any) -> Any:
            if self._random.random() < self._share:
                self.failed += 1
                raise self._fault
            return found(*args, **kwargs)

        return flaky


def test_every_error_is_in_the_evidence_and_in_the_count_and_a_store_that_is_gone_gives_no_verdict(
    tmp_path: Path,
) -> None:
    """Through the real store: errors injected == errors in the evidence == errors counted by the policies' controls."""
    with promise("P8.recorded", trials=300) as row:
        row.trials = min(row.trials, 900)  # a control looks at the newest thousand decisions
        random, ws = Random(row.seed), open_company(tmp_path)
        policies = [
            policy_of(
                f"p{number}", fault.when, fault.kind, on_error=random.choice(ON_ERROR), level=random.choice(LEVELS)
            )
            for number, fault in enumerate(FAULTS)
        ]
        ws = replace(ws, config=replace(ws.config, policies=PolicySet(tuple(policies))))
        ledger = Flaky(ws.ledger, "ask", Unavailable("The ledger is gone", remedy="Wait."), random, 0.1)
        injected, lost = Counter[str](), 0
        for _ in range(row.trials):
            row.faults += 1
            decision = _decided(row, replace(ws, ledger=ledger), random.choice(FAULTS))
            lost += decision.ledger == "lost"
            injected.update(result.policy_id for result in decision.policies if result.result == "error")
        entries: list[Any] = [e for record in ws.ledger.store.evidence_records() for e in record.body["entries"]]
        with ws.state.read() as tx:
            entries += [record.body for record in tx.evidence_records(["decision.without_ledger"])]
        given = [entry["decision"] for entry in entries if entry.get("decision")]
        recorded = Counter(
            one["policy_id"] for body in given for one in body["policies"] if one.get("result") == "error"
        )
        metric = Counter({name: ws.counters.value(POLICY_ERRORS, policy=name) for name in injected})
        if not injected == recorded == metric:
            row.violated(f"injected {dict(injected)}, in the evidence {dict(recorded)}, counted {dict(metric)}")
        if (len(given), lost) != (row.trials, ledger.failed):
            row.violated(
                f"{len(given)} of {row.trials} recorded, {lost} without the ledger, which was gone {ledger.failed} times"
            )
        by_controls = {control.policy_id: control.errors for control in evaluate(ws, "run").controls}
        kept = Counter(name for one in ws.ledger.store.decisions(1_000) for name in _errors(one))
        if by_controls != {f"p{number}": kept[f"p{number}"] for number in range(len(FAULTS))}:
            row.violated(f"the controls count {by_controls} of {dict(kept)}")
        row.note = f"{injected.total()} errors, the ledger was gone {ledger.failed} times"


def _errors(decision: Decision) -> list[str]:
    return [result.policy_id for result in decision.policies if result.result == "error"]


def _decided(row: Row, ws: Workspace, fault: Fault) -> Decision:
    decision = decide_intent(ws, _intent(fault.kind, fault.broken))
    results = [result.result for result in decision.policies if result.policy_id == f"p{FAULTS.index(fault)}"]
    # The fiscal year is given by a real workspace: that one is no fault here.
    if results != ["match" if "fiscal_year" in fault.when else "error"]:
        row.violated(f"{fault.when}: {results}")
    if any(VERDICTS.index(one.verdict) > VERDICTS.index(decision.verdict) for one in decision.policies):
        row.violated(f"{fault.when}: the decision is {decision.verdict}, weaker than one of its policies")
    return decision


@pytest.fixture(scope="module")
def billed(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    rows = [
        charge(
            day, "1.25", Tags=tags("web") if number % 3 else '{"team": "web", "tier": "gold"}', ResourceId=f"i-{number}"
        )
        for day in days(AS_OF - timedelta(days=10), AS_OF)
        for number in range(6)
    ]
    return company_with_bills(tmp_path_factory.mktemp("billed"), {"usd": rows})


def test_charges_that_cannot_be_judged_are_counted_with_their_money_and_a_query_that_is_stopped_is_no_answer(
    billed: Workspace, tmp_path: Path
) -> None:
    with promise("P8.charges", trials=24) as row:
        row.trials = min(row.trials, 240)
        random, kinds = Random(row.seed), Counter[str]()
        for number in range(row.trials):
            row.faults += 1
            on_error = ON_ERROR[number % 3]
            (home := tmp_path / str(number)).mkdir()
            ws = replace(billed, state=open_company(home).state)
            lame = number % 4 == 3
            policy = policy_of("p", 'charge.tags.tier == "lead"', on_error=on_error)  # 40 of 60 charges have no tier
            lake = Flaky(
                billed.lake, "ask", LimitExceeded("It took too long", remedy="Narrow it."), random, 1.0 if lame else 0
            )
            evaluation = evaluate(
                replace(ws, lake=lake, config=replace(ws.config, policies=PolicySet((policy,)))), "run"
            )
            (control,) = evaluation.controls
            found = [finding.kind for finding in evaluation.findings]
            kinds["stopped" if lame else "unjudged"] += 1
            if found != ([] if on_error == "allow" else ["policy_error"]):
                row.violated(f"on_error {on_error}, stopped {lame}: {found}")
            if lame and (control.ran or "took too long" not in control.failure):
                row.violated("a query that was stopped counts as having run")
            if not lame and (control.errors, {c: str(a) for c, a in control.error_amount.items()}) != (
                40,
                {"USD": "50.000000000000"},
            ):
                row.violated(f"{control.errors} errors over {control.error_amount}")
        row.note = str(dict(kinds))
