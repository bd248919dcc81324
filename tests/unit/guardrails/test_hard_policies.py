"""Going hard: a policy stops nobody until its version was tried on history, or forced by a person who says why."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest
from tests.fixtures.policy_text import policy, policy_set, policy_text

from fiscus.app.loop import run_loop
from fiscus.app.workspace import open_workspace
from fiscus.flows.backtest_policy import History, backtest_policy, try_library
from fiscus.flows.decide_intent import decide_intent
from fiscus.flows.evaluate import evaluate
from fiscus.flows.prove_policies import force_policy, record_backtest, recorded_proofs, written, written_policies
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.backtests.enforced_level import enforced, enforced_level, unproven
from fiscus.guardrails.policies.load_policies import library_texts, library_versions, load_policies
from fiscus.guardrails.types import Intent
from fiscus.kernel.actor import FISCUS, Actor
from fiscus.kernel.errors import BadInput, LimitExceeded, NotFound
from fiscus.kernel.evidence import verify_chain
from fiscus.kernel.progress import Silent
from fiscus.kernel.rows import Rows

OWN = policy("own", on=["ai.request"], when='intent.model == "dear"', effect="deny", level="hard", on_error="deny")
ASKED = Intent("ai.request", "ana.silva", "platform", "staging", Decimal("0.10"), "USD", attributes={"model": "dear"})


@pytest.fixture
def with_own(home: Path) -> Path:
    (home / "policies" / "own.yaml").write_text(policy_text(OWN))
    return home


def _open(home: Path) -> Workspace:
    from datetime import date

    return open_workspace(home, date(2026, 11, 20))


def _verdict(home: Path) -> str:
    return decide_intent(_open(home), ASKED).verdict


def test_a_hard_policy_that_was_not_tried_holds_for_approval_and_says_so(with_own: Path) -> None:
    decision = decide_intent(_open(with_own), ASKED)
    assert decision.verdict == "require_approval"
    assert "judged as soft until `fiscus policy backtest` has tried this version" in " ".join(decision.reasons)
    (result,) = [one for one in decision.policies if one.policy_id == "own"]
    assert result.level == "soft"


def test_once_it_is_tried_it_denies(with_own: Path) -> None:
    ws = _open(with_own)
    (compiled,) = written_policies(ws, "own")
    record_backtest(ws, backtest_policy(History(ws), compiled), Actor("ana.silva"))
    assert _verdict(with_own) == "deny"
    with ws.state.read() as tx:
        (record,) = tx.evidence_records(["policy.backtested"])
    assert (record.subject, record.actor.person_id) == ("own", "ana.silva")
    assert record.body["version"] == compiled.policy.version
    assert record.body["window"] == "2026-09-01 to 2026-11-20"
    assert record.body["result"]


def test_another_meaning_is_another_version_and_must_be_tried_again(with_own: Path) -> None:
    ws = _open(with_own)
    record_backtest(ws, backtest_policy(History(ws), written_policies(ws, "own")[0]), FISCUS)
    reworded = {**OWN, "title": "Another title", "remedy": "Another remedy."}
    (with_own / "policies" / "own.yaml").write_text(policy_text(reworded))
    assert _verdict(with_own) == "deny"
    (with_own / "policies" / "own.yaml").write_text(policy_text({**OWN, "when": 'intent.model in ["dear", "dearer"]'}))
    assert _verdict(with_own) == "require_approval"


def test_a_force_is_evidence_with_who_and_why(with_own: Path) -> None:
    ws = _open(with_own)
    forced = force_policy(ws, "own", Actor("ana.silva"), "An agent runs away right now.")
    assert _verdict(with_own) == "deny"
    with ws.state.read() as tx:
        (record,) = tx.evidence_records(["policy.forced"])
        assert recorded_proofs(tx) == (forced,)
    assert (record.actor.person_id, record.body["result"]) == ("ana.silva", "An agent runs away right now.")


def test_a_force_without_a_reason_a_person_or_a_hard_policy_is_refused(with_own: Path) -> None:
    ws = _open(with_own)
    with pytest.raises(BadInput, match="needs a reason"):
        force_policy(ws, "own", Actor("ana.silva"), "  ")
    with pytest.raises(NotFound, match="Nobody is called"):
        force_policy(ws, "own", Actor("nobody"), "Because.")
    with pytest.raises(BadInput, match="needs no force"):
        force_policy(ws, "marketplace-purchase-approval", Actor("ana.silva"), "Because.")
    with pytest.raises(NotFound, match="Did you mean own"):
        force_policy(ws, "owm", Actor("ana.silva"), "Because.")


def test_whoever_wrote_it_gets_a_finding_until_it_is_tried(with_own: Path) -> None:
    ws = _open(with_own)
    (finding,) = [one for one in evaluate(ws, "run-1").findings if one.kind == "policy_unproven"]
    assert (finding.policy_id, finding.owner) == ("own", "finops")
    assert "fiscus policy backtest own" in finding.detail
    record_backtest(ws, backtest_policy(History(ws), written_policies(ws, "own")[0]), FISCUS)
    assert "policy_unproven" not in {one.kind for one in evaluate(_open(with_own), "run-2").findings}


def test_the_library_is_hard_as_it_ships_and_not_when_it_was_changed(home: Path) -> None:
    assert unproven(written(_open(home)), library_versions()) == ()
    path = home / "policies" / "ai.yaml"
    path.write_text(path.read_text().replace('"restricted", "secret", "personal"', '"restricted", "secret", "own"'))
    levels = {one.policy.id: one.policy.level for one in _open(home).config.policies}
    assert levels["ai-restricted-data"] == "soft"
    assert levels["ai-request-needs-a-team"] == "hard"


def test_a_run_tries_the_hard_policies_of_the_library_once_there_is_history(home: Path) -> None:
    ws = _open(home)
    assert try_library(ws).done == (), "an empty workspace has nothing to try them on"
    decide_intent(ws, ASKED)
    tried = {one.policy_id for one in try_library(ws).done}
    assert tried == {one.policy.id for one in load_policies(library_texts()) if one.policy.level == "hard"}
    assert try_library(ws).done == (), "twice changes nothing"


def test_history_that_is_too_much_to_ask_stops_no_run_and_is_tried_again(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ws = _open(home)
    decide_intent(ws, ASKED)

    def refuse(*_: object, **__: object) -> Rows:
        raise LimitExceeded("The query needs more than 2048 MB", remedy="Group or filter earlier.")

    with monkeypatch.context() as too_much:
        too_much.setattr(ws.lake, "ask", refuse)
        summary = run_loop(ws, Silent())
    hard = {one.policy.id for one in load_policies(library_texts()) if one.policy.level == "hard"}
    assert summary.untried.keys() == hard
    assert "Policy ai-restricted-data could not be tried on history: The query needs more than 2048 MB." in "\n".join(
        summary.sentences()
    )
    with ws.state.read() as tx:
        assert recorded_proofs(tx) == ()
    assert {one.policy_id for one in try_library(ws).done} == hard


def test_versions_of_the_library_are_those_of_its_loaded_policies() -> None:
    assert library_versions() == {(one.policy.id, one.policy.version) for one in load_policies(library_texts())}


def test_only_what_is_written_at_hard_is_ever_weakened() -> None:
    policies = policy_set(*(policy(level, level=level) for level in ("observe", "warn", "soft", "hard")))
    judged = enforced(policies, frozenset())
    assert [one.policy.level for one in judged] == [
        "soft",
        "observe",
        "soft",
        "warn",
    ]  # by id: hard, observe, soft, warn
    assert judged.digest != policies.digest
    (hard,) = [one.policy for one in policies if one.policy.level == "hard"]
    assert enforced_level(hard, frozenset({("hard", hard.version)})) == "hard"
    assert enforced_level(hard, frozenset({("hard", "another"), ("other", hard.version)})) == "soft"
    assert enforced(policies, frozenset({("hard", hard.version)})) == policies


def test_two_backtests_at_once_are_both_evidence_and_the_chain_is_whole(with_own: Path) -> None:
    ws = _open(with_own)
    (compiled,) = written_policies(ws, "own")
    done = backtest_policy(History(ws), compiled)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: record_backtest(ws, done, Actor("ana.silva")), range(8)))
    with ws.state.read() as tx:
        assert len(list(tx.evidence_records(["policy.backtested"]))) == 8
        assert len(recorded_proofs(tx)) == 1
        assert verify_chain(tx.evidence_records())[2] == []


def test_a_backtest_that_dies_before_it_is_recorded_proves_nothing(with_own: Path, monkeypatch) -> None:
    ws = _open(with_own)
    (compiled,) = written_policies(ws, "own")
    done = backtest_policy(History(ws), compiled)

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(type(ws.clock), "now", dies)
    with pytest.raises(KeyboardInterrupt):
        record_backtest(ws, done, FISCUS)
    monkeypatch.undo()
    assert _verdict(with_own) == "require_approval"


def test_a_lake_that_cannot_be_asked_records_nothing(with_own: Path, monkeypatch) -> None:
    (with_own / "policies" / "charges.yaml").write_text(policy_text(policy("charges", level="hard")))
    ws = _open(with_own)

    def gone(*_: object, **__: object) -> None:
        raise LimitExceeded("The query ran longer than 60 s", remedy="Narrow it.")

    monkeypatch.setattr(type(ws.lake), "ask", gone)
    with pytest.raises(LimitExceeded):
        backtest_policy(History(ws), written_policies(ws, "charges")[0])
    with ws.state.read() as tx:
        assert recorded_proofs(tx) == ()
