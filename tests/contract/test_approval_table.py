"""Approvals in the state store, on SQLite and on a real PostgreSQL alike; and a store of the release before."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy
from tests.fixtures.asking import decision, intent
from tests.fixtures.company import NOON

from fiscus.guardrails.approvals.machine import Asking, ask, say_yes, use
from fiscus.guardrails.approvals.types import Approval
from fiscus.guardrails.doors.purchases.purchase_request import parse_purchase
from fiscus.guardrails.doors.purchases.types import Check, Duplicate, Purchase, PurchaseStep
from fiscus.kernel.actor import FISCUS, Actor
from fiscus.kernel.clock import SteppedClock
from fiscus.kernel.errors import IntegrityBroken
from fiscus.stores.state import open_state
from fiscus.stores.state.schema import VERSION_TABLE


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'state.db'}"
    return str(request.getfixturevalue("postgres_url"))


def question(approval_id: str = "apr-1") -> Approval:
    made = replace(decision(), at=NOON)
    return ask(approval_id, made, Asking({"pia": "the policy purchases"}, "CC-2"), NOON)


def test_what_comes_back_is_what_was_put_digest_included(url) -> None:
    state = open_state(url, SteppedClock(NOON))
    yes = say_yes(question(), Actor("lea", "link"), NOON + timedelta(hours=1), "fine")
    with state.begin() as tx:
        tx.approvals.put(question())
        tx.approvals.put(yes)
    with state.read() as tx:
        assert tx.approvals.get("apr-1") == yes
        assert tx.approvals.waiting_for(yes.intent_digest) == [yes]
        assert tx.approvals.waiting_for("0" * 64) == []
        assert tx.approvals.get("apr-2") is None
    used = use(yes, "dec-9", FISCUS, NOON)
    with state.begin() as tx:
        tx.approvals.put(used)
        tx.approvals.put(question("apr-2"))
    with state.read() as tx:
        assert [one.id for one in tx.approvals.all()] == ["apr-2", "apr-1"]
        assert tx.approvals.all(["used"]) == [used]
        assert [one.id for one in tx.approvals.waiting_for(yes.intent_digest)] == ["apr-2"]
    state.close()


def test_neither_the_question_nor_a_step_is_ever_rewritten(url) -> None:
    state = open_state(url, SteppedClock(NOON))
    yes = say_yes(question(), Actor("lea"), NOON)
    with state.begin() as tx:
        tx.approvals.put(yes)
    for changed in (replace(yes, steps=yes.steps[:1]), replace(yes, digest="0" * 64)):
        with pytest.raises(IntegrityBroken, match="would change"), state.begin() as tx:
            tx.approvals.put(changed)
    state.close()


def test_a_store_of_the_release_before_is_brought_up_to_date_and_keeps_its_evidence(url) -> None:
    state = open_state(url, SteppedClock(NOON))
    with state.begin() as tx:
        tx.evidence.append("run.completed", "run-1", FISCUS, {"n": 1})
    state.close()
    engine = sqlalchemy.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        for table in ("approvals", "purchases"):
            connection.execute(sqlalchemy.text(f"DROP TABLE {table}"))
        connection.execute(sqlalchemy.text("CREATE TABLE decisions (id VARCHAR(80))"))
        connection.execute(sqlalchemy.text(f"UPDATE {VERSION_TABLE} SET version_num = '0001'"))
    engine.dispose()
    state = open_state(url, SteppedClock(NOON))
    with state.begin() as tx:
        tx.approvals.put(question())
        assert [r.subject for r in tx.evidence_records()] == ["run-1"]
    state.close()


def test_a_purchase_comes_back_as_it_was_and_its_steps_only_grow(url) -> None:
    state = open_state(url, SteppedClock(NOON))
    request = parse_purchase({"requested_by": "max", "environment": "prod", "vendor": "V", "product": "P", "amount": "10.50",
                              "currency": "USD", "renewal": "automatic", "term_months": 12}, NOON.date())  # fmt: skip
    step = PurchaseStep(NOON, "asked", "max", "asked for")
    same = Duplicate("capability", "Q", "W", Decimal("1234567890123456.123456789012"), "USD", "bills")
    asked = Purchase("pur-1", request, intent(), "d" * 64, (Check("vendor", "warn", "new"),), (same,), "asked", "dec-1",
                     "apr-1", (step,))  # fmt: skip
    allowed = replace(asked, state="allowed", steps=(step, PurchaseStep(NOON, "allowed", "fiscus")))
    anew = replace(asked, intent_digest="e" * 64, steps=(step, PurchaseStep(NOON, "asked", "fiscus")))
    with state.begin() as tx:
        tx.purchases.put(asked)
        tx.purchases.put(allowed)
        tx.purchases.put(replace(asked, id="pur-2", approval_id="apr-2"))
        tx.purchases.put(
            replace(anew, id="pur-2", approval_id="apr-2")
        )  # with one more step, on the facts of that moment
        assert tx.purchases.get("pur-2") == replace(anew, id="pur-2", approval_id="apr-2")
    with state.read() as tx:
        assert tx.purchases.get("pur-1") == allowed
        assert tx.purchases.of_approval("apr-1") == [allowed]
        assert [one.id for one in tx.purchases.all(["asked"])] == ["pur-2"]
        assert tx.purchases.all(["allowed"]) == [allowed]
    unsaid = replace(anew, id="pur-2", approval_id="apr-2", intent_digest="0" * 64)
    later = replace(allowed, steps=(*allowed.steps, PurchaseStep(NOON, "bought", "max")))
    for changed in (asked, replace(allowed, intent_digest="0" * 64), replace(later, intent_digest="0" * 64), unsaid):
        with pytest.raises(IntegrityBroken, match="would change"), state.begin() as tx:
            tx.purchases.put(changed)
    state.close()


def test_an_intent_reads_back_with_the_digest_that_it_had(url) -> None:
    odd = intent(attributes={"tags": {"team": "ml", "é": "ü"}, "gpu": True, "count": 3, "vendor": "A \u201cB\u201d"})
    state = open_state(url, SteppedClock(NOON))
    asked = ask("apr-1", replace(decision(odd), at=NOON), Asking({}, ""), NOON)
    with state.begin() as tx:
        tx.approvals.put(asked)
    with state.read() as tx:
        read = tx.approvals.get("apr-1")
    assert read is not None
    say_yes(read, Actor("lea"), NOON)
    state.close()
