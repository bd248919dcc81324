"""A month is closed when it is ready, or by force for a reason; what was signed stays, and opening it again is evidence."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from tests.bills import ROW, deliver, write_csv

from fiscus.cost.books.read_invoices import entered_invoice
from fiscus.cost.types import IngestOptions, Source
from fiscus.cost.views import OWNER_DEFAULTS
from fiscus.flows.close_period import close_period, forced_reason, reopen_period, show_closes
from fiscus.flows.enter_invoice import enter_invoices
from fiscus.flows.ingest_bills import ingest_bills
from fiscus.flows.show_corrections import restatement_findings
from fiscus.flows.verify_evidence import verify_evidence
from fiscus.kernel.actor import Actor
from fiscus.kernel.errors import BadInput, Conflict, NotFound
from fiscus.kernel.periods import Month
from fiscus.kernel.progress import Silent
from fiscus.kernel.rows import Rows
from fiscus.stores.lake import open_lake

OCTOBER = Month(2026, 10)
PERSON = Actor("kim.berg")


def _invoice(ws, amount: str) -> None:
    parts = {
        "invoice": "INV-10",
        "issuer": ROW["InvoiceIssuerName"],
        "period": "2026-10",
        "currency": "USD",
        "amount": amount,
    }
    enter_invoices(ws, [entered_invoice(parts, PERSON.person_id, ws.clock.now())], PERSON)


def _october(path: Path, cost: str = "10") -> Path:
    return write_csv(path, [{"BilledCost": cost, "InvoiceId": "INV-10"}, {"BilledCost": "0.000000000001"}])


def test_a_closed_month_says_what_was_signed_whatever_comes_later(ws, tmp_path: Path) -> None:
    deliver(ws, _october(tmp_path / "a.csv"))
    _invoice(ws, "10")
    close = close_period(ws, OCTOBER, PERSON)
    assert [(t.source, t.currency, t.rows, t.billed) for t in close.totals] == [
        ("bills", "USD", 2, Decimal("10.000000000001"))
    ]
    assert (close.forced, close.not_ready, dict(close.invoices)) == ("", (), {"matched": 1, "open": 1})
    assert (ws.home / ".fiscus" / "checkpoints" / close.seal).is_file()
    assert verify_evidence(ws).ok
    with pytest.raises(Conflict, match=r"was closed by kim\.berg on 2026-11-20"):
        close_period(ws, OCTOBER, PERSON)
    deliver(ws, _october(tmp_path / "b.csv", "11.5"))
    deliver(ws, write_csv(tmp_path / "c.csv", [{"BilledCost": "3", "BillingCurrency": "EUR"}]), source=Source("late"))
    findings = {f.currency: f.amount for f in restatement_findings(ws)}
    assert findings == {"USD": Decimal("1.5"), "EUR": Decimal(3)}
    with ws.state.read() as tx:
        records = [(r.subject, r.body["billed_change"]) for r in tx.evidence_records(["period.corrected"])]
    assert records == [("bills/2026-10", {"USD": "1.500000000000"}), ("late/2026-10", {"EUR": "3.000000000000"})]
    reported = "SELECT BillingCurrency, sum(BilledCost) FROM charges_as_reported GROUP BY ALL"
    assert ws.lake.ask(reported).rows == (("USD", Decimal("10.000000000001")),)
    shown = show_closes(ws, verify=True)
    assert ([c.digest for c in shown.closes], shown.broken) == ([close.digest], ())


def _owned_by(ws, owner: str) -> None:
    """All that is known now is theirs."""
    keys = ws.lake.query("SELECT DISTINCT x_AssignmentKey FROM bare_charges").rows
    rows = tuple((key, owner, "team", "CC-1", "production", "product", "rule") for (key,) in keys)
    ws.lake.write_assignments(Rows(("x_AssignmentKey", *OWNER_DEFAULTS), rows), owner)


def _owners(ws, view: str) -> list[tuple[str, str]]:
    return sorted(ws.lake.ask(f"SELECT DISTINCT x_BillingMonth, x_Owner FROM {view}").rows)


def test_a_tag_that_is_promoted_after_a_month_was_closed_is_read_from_its_tags(ws, tmp_path: Path) -> None:
    tags = '{"team": "platform", "squad": "blue"}'
    deliver(ws, write_csv(tmp_path / "a.csv", [{"BilledCost": "10", "Tags": tags}]))
    close_period(ws, OCTOBER, PERSON, "No invoice is expected of this source.")
    restated = write_csv(tmp_path / "b.csv", [{"BilledCost": "11", "Tags": tags}])
    ingest_bills(ws, Source("bills"), [restated], IngestOptions(promote=("team", "squad")), Silent())
    lake = open_lake(ws.home / ".fiscus" / "lake", ("team", "squad"))
    for view, billed in (("charges_as_reported", 10), ("charges", 11)):
        rows = lake.query(f'SELECT "x_Tag_squad", sum(BilledCost) FROM {view} GROUP BY ALL').rows
        assert rows == (("blue", Decimal(billed)),)


def test_a_closed_month_keeps_the_owners_that_it_had(ws, tmp_path: Path) -> None:
    deliver(ws, _october(tmp_path / "a.csv"))
    _owned_by(ws, "lea")
    close_period(ws, OCTOBER, PERSON)
    _owned_by(ws, "otto")
    assert _owners(ws, "charges") == [("2026-10", "otto")]
    assert _owners(ws, "charges_as_reported") == [("2026-10", "lea")]
    assert _owners(ws, "charges_restated") == [("2026-10", "otto")]
    reopen_period(ws, OCTOBER, PERSON, "who owned it was wrong")
    assert _owners(ws, "charges_as_reported") == [("2026-10", "otto")]
    close_period(ws, OCTOBER, PERSON)
    assert show_closes(ws, verify=True).broken == ()


def test_what_nobody_owned_when_its_month_was_closed_has_who_owns_it_now(ws, tmp_path: Path) -> None:
    deliver(ws, _october(tmp_path / "a.csv"))
    close_period(ws, OCTOBER, PERSON)
    assert _owners(ws, "charges_as_reported") == [("2026-10", "unowned")]
    _owned_by(ws, "otto")
    assert _owners(ws, "charges_as_reported") == [("2026-10", "otto")]


def test_opened_again_a_month_is_signed_anew_and_both_are_evidence(ws, tmp_path: Path) -> None:
    deliver(ws, _october(tmp_path / "a.csv"))
    first = close_period(ws, OCTOBER, PERSON)
    deliver(ws, _october(tmp_path / "b.csv", "11.5"))
    with pytest.raises(BadInput, match="for a reason"):
        reopen_period(ws, OCTOBER, PERSON, " ")
    assert reopen_period(ws, OCTOBER, PERSON, "the vendor restated compute").digest == first.digest
    assert restatement_findings(ws) == []
    with pytest.raises(NotFound, match="is not signed"):
        reopen_period(ws, OCTOBER, PERSON, "once more")
    second = close_period(ws, OCTOBER, PERSON)
    assert second.totals[0].billed - first.totals[0].billed == Decimal("1.5")
    with ws.state.read() as tx:
        kinds = [(r.kind, r.actor.person_id) for r in tx.evidence_records(["period.closed", "period.reopened"])]
    assert kinds == [("period.closed", "kim.berg"), ("period.reopened", "kim.berg"), ("period.closed", "kim.berg")]
    assert verify_evidence(ws).ok


def test_what_another_month_corrects_is_a_restatement_until_the_month_is_signed_with_it(ws, tmp_path: Path) -> None:
    deliver(ws, _october(tmp_path / "a.csv"))
    close_period(ws, OCTOBER, PERSON)
    november = {"BillingPeriodStart": "2026-11-01T00:00:00Z", "BillingPeriodEnd": "2026-12-01T00:00:00Z"}
    deliver(ws, write_csv(tmp_path / "b.csv", [november | {"ChargeClass": "Correction", "BilledCost": "-4"}]))
    assert [f.amount for f in restatement_findings(ws)] == [Decimal(-4)]
    reopen_period(ws, OCTOBER, PERSON, "corrected in November")
    assert close_period(ws, OCTOBER, PERSON).elsewhere[0].billed == Decimal(-4)
    assert restatement_findings(ws) == []


def test_an_invoice_that_does_not_reconcile_keeps_a_month_open_until_it_is_forced(ws, tmp_path: Path) -> None:
    deliver(ws, _october(tmp_path / "a.csv"))
    _invoice(ws, "20")
    with pytest.raises(Conflict, match=r"INV-10 .* says 10.00 USD more than its charges") as refused:
        close_period(ws, OCTOBER, PERSON)
    assert "--force --reason" in refused.value.remedy
    with pytest.raises(BadInput, match="for a reason only"):
        forced_reason("", force=True)
    close = close_period(ws, OCTOBER, PERSON, forced_reason("disputed with the vendor", force=True))
    assert close.forced == "disputed with the vendor"
    assert len(close.not_ready) == 1
    with ws.state.read() as tx:
        (record,) = tx.evidence_records(["period.closed"])
    assert record.body["close"]["forced"] == "disputed with the vendor"


def test_a_feed_that_has_not_landed_whole_keeps_a_month_open(ws, tmp_path: Path) -> None:
    days = [date(2026, 9, 20) + timedelta(days=n) for n in range(36) if n != 20]
    deliver(ws, write_csv(tmp_path / "a.csv", [
        {"ChargePeriodStart": f"{day}T00:00:00Z", "ChargePeriodEnd": f"{day + timedelta(days=1)}T00:00:00Z"} for day in days
    ]))  # fmt: skip
    with pytest.raises(Conflict, match="bills has landed whole only before 2026-10-26"):
        close_period(ws, OCTOBER, PERSON)


@pytest.mark.parametrize(
    ("month", "person", "error", "message"),
    [
        (Month(2026, 11), PERSON, BadInput, "is not over on 2026-11-20"),
        (Month(2026, 8), PERSON, NotFound, "holds no charge of 2026-08"),
        (OCTOBER, Actor("nobody"), NotFound, "Nobody is called 'nobody'"),
    ],
)
def test_what_cannot_be_closed_says_why(ws, month, person, error, message) -> None:
    with pytest.raises(error, match=message):
        close_period(ws, month, person)


def test_a_crash_after_the_evidence_of_a_close_is_healed_by_the_next_ingest(
    ws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(ws, _october(tmp_path / "a.csv"))
    from fiscus.flows import close_period as flow

    keep, calls = flow.keep_closes, []

    def dies(given) -> None:
        calls.append(given)
        if len(calls) == 2:
            raise KeyboardInterrupt
        keep(given)

    monkeypatch.setattr(flow, "keep_closes", dies)
    with pytest.raises(KeyboardInterrupt):
        close_period(ws, OCTOBER, PERSON)
    deliver(ws, _october(tmp_path / "b.csv", "12"))
    assert ws.lake.ask("SELECT sum(BilledCost) FROM charges_as_reported").rows == ((Decimal("10.000000000001"),),)


def test_of_two_who_close_a_month_at_once_one_signs_it(ws, tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    from fiscus.app.workspace import open_workspace

    deliver(ws, _october(tmp_path / "a.csv"))

    def closes(home: Path) -> str:
        try:
            return close_period(open_workspace(home, ws.as_of), OCTOBER, PERSON).digest
        except Conflict as late:
            return late.code

    with ThreadPoolExecutor(2) as pool:
        said = list(pool.map(closes, [ws.home] * 2))
    assert said.count("conflict") == 1
    with ws.state.read() as tx:
        assert len(list(tx.evidence_records(["period.closed"]))) == 1
    assert verify_evidence(ws).ok
