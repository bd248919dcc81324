"""What lets a policy be hard: that its version was tried on history, that somebody forced it, or that it ships with Fiscus."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Final, cast

from fiscus.flows.ports import StateTx
from fiscus.flows.workspace import Configuration, Workspace
from fiscus.guardrails.backtests.enforced_level import enforced
from fiscus.guardrails.backtests.types import Backtest, Recorded
from fiscus.guardrails.policies.load_policies import library_versions
from fiscus.guardrails.policies.policy_set import CompiledPolicy, PolicySet
from fiscus.guardrails.types import Finding, Policy
from fiscus.kernel.actor import Actor
from fiscus.kernel.canonical import to_json
from fiscus.kernel.documents import did_you_mean
from fiscus.kernel.errors import BadInput, NotFound, Where
from fiscus.kernel.ids import content_id
from fiscus.kernel.money import ZERO
from fiscus.ownership.people import require_live

FACT: Final = "policy_proof."
STAMP: Final = ".fiscus/policy-proofs"  # changes whenever a proof is recorded here
KIND: Final = "policy_unproven"
REASON_CHARS_MAX: Final = 600


def proven_versions(tx: StateTx) -> frozenset[tuple[str, str]]:
    """(policy id, version) of all that may be hard: recorded here, or shipped as it is (docs/adr/0010)."""
    return library_versions() | recorded_versions(tx)


def recorded_versions(tx: StateTx) -> frozenset[tuple[str, str]]:
    """(policy id, version) of what was tried or forced in this workspace."""
    return frozenset((one.policy_id, one.version) for one in recorded_proofs(tx))


def recorded_proofs(tx: StateTx) -> tuple[Recorded, ...]:
    """Every backtest and every force that is recorded, by policy and version."""
    facts = tx.facts.matching(FACT)
    return tuple(Recorded(**cast("dict[str, object]", facts[name])) for name in sorted(facts))  # type: ignore[arg-type]  # a fact is what was put


def with_enforced(config: Configuration, tx: StateTx) -> Configuration:
    """The configuration with its policies at the levels that count; `written` keeps them as they are written."""
    if all(compiled.policy.level != "hard" for compiled in config.policies):
        return config
    return replace(config, policies=enforced(config.policies, proven_versions(tx)), written=config.policies)


def written(ws: Workspace) -> PolicySet:
    """The policies of the workspace as they are written."""
    return ws.config.policies if ws.config.written is None else ws.config.written


def written_policies(ws: Workspace, policy_id: str) -> tuple[CompiledPolicy]:
    """The one of them that has this id. Raises NotFound."""
    compiled = written(ws).get(policy_id)
    if compiled is None:
        known = [one.policy.id for one in written(ws)]
        remedy = did_you_mean(policy_id, known) if known else "Write one in policies/."
        raise NotFound(f"There is no policy {policy_id!r}", remedy=remedy)
    return (compiled,)


def record_backtest(ws: Workspace, backtest: Backtest, actor: Actor) -> Recorded:
    """Keep that this version was tried, with evidence. The same result again is recorded again: it was tried then too."""
    recorded = Recorded(
        policy_id=backtest.policy_id,
        version=backtest.version,
        how="backtest",
        at=ws.clock.now().isoformat(),
        by=actor.person_id,
        lake_version=backtest.lake_version,
        window=f"{backtest.window.start} to {backtest.window.end}",
        result=backtest.digest,
        summary=_summary(backtest),
    )
    _record(ws, recorded, "policy.backtested", actor)
    return recorded


def force_policy(ws: Workspace, policy_id: str, actor: Actor, reason: str) -> Recorded:
    """Let this version be hard without a backtest. Recorded as evidence with who says so and why.

    Raises NotFound for a policy or a person that does not exist, BadInput without a reason.
    """
    person = require_live(ws.config.directory, actor.person_id, ws.as_of)
    policy = written_policies(ws, policy_id)[0].policy
    if not reason.strip() or len(reason) > REASON_CHARS_MAX:
        raise BadInput(
            "A force needs a reason",
            remedy=f"Say why, in 1 to {REASON_CHARS_MAX} characters.",
            where=Where(key="reason"),
        )
    if policy.level != "hard":
        raise BadInput(
            f"{policy_id} is at level {policy.level}, which needs no force",
            remedy="Write level: hard first, then force it.",
        )
    recorded = Recorded(
        policy_id,
        policy.version,
        "force",
        ws.clock.now().isoformat(),
        person.id,
        str(ws.lake.version()),
        "",
        reason.strip(),
    )
    _record(ws, recorded, "policy.forced", actor)
    return recorded


def _record(ws: Workspace, recorded: Recorded, kind: str, actor: Actor) -> None:
    with ws.state.begin() as tx:
        tx.facts.put(f"{FACT}{recorded.policy_id}@{recorded.version}", asdict(recorded))
        record = tx.evidence.append(kind, recorded.policy_id, actor, asdict(recorded))
    (ws.home / ".fiscus").mkdir(exist_ok=True)
    (ws.home / STAMP).write_text(record.digest, encoding="utf-8")  # a server that is open learns of it


def _summary(backtest: Backtest) -> Mapping[str, object]:
    """The few figures that stand in the evidence; the rest follows from the lake version."""
    return {
        f"{part.source}:{part.target}": to_json(
            {
                "asked": part.asked,
                "matched": part.matched,
                "errors": part.errors,
                "totals": part.totals,
                "cut": part.cut,
            }
        )
        for part in backtest.parts
    }


def unproven_findings(ws: Workspace) -> tuple[Finding, ...]:
    """One for each policy that is written at hard and judged as soft, so that whoever wrote it is told."""
    weakened = [one.policy for one in written(ws) if one.policy.level == "hard"]
    judged = {one.policy.id: one.policy.level for one in ws.config.policies}
    return tuple(_unproven(ws, policy) for policy in weakened if judged.get(policy.id) != "hard")


def _unproven(ws: Workspace, policy: Policy) -> Finding:
    currency = ws.config.company.currency
    return Finding(
        id=content_id("fnd", KIND, policy.id, policy.version),
        kind=KIND, policy_id=policy.id, policy_version=policy.version, level="soft",
        title=f"0.00 {currency} is stopped by {policy.id}: it is written at hard and judged as soft",
        detail=f"No backtest of version {policy.version} is recorded. Run `fiscus policy backtest {policy.id}` and look at what "
        f"it would have stopped, or `fiscus policy force {policy.id} --as PERSON --reason TEXT`.",
        amount=ZERO, currency=currency, owner=policy.owner, team="", environment="", period_label=str(ws.as_of),
        first_seen=ws.as_of, last_seen=ws.as_of, rows=0, query="", params={}, lake_version=str(ws.lake.version()),
    )  # fmt: skip
