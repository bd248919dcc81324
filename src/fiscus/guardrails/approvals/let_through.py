"""A verdict that needs a yes, judged again with one. Pure: it runs while the ledger is locked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from fiscus.guardrails.approvals.covers import approval_covers
from fiscus.guardrails.approvals.types import Approval, WhyNot
from fiscus.guardrails.decisions.decide import Judgement, Question
from fiscus.guardrails.types import VERDICTS, PolicyResult, Verdict


def let_through(
    question: Question, judged: Judgement, claimed: Approval | WhyNot | None, intent_digest: str
) -> tuple[Judgement, str]:
    """The judgement with a yes, and the id of the approval that it rests on; empty where it rests on none.

    Only a word of require_approval is answered by a yes: what is denied stays denied, what must be degraded stays so. Nor does a
    yes lift a hard cap of which nobody knows where it stands. Where it does not cover it, the reasons begin with why not.
    """
    if claimed is None or judged.verdict != "require_approval":
        return judged, ""
    asking = {one.policy_id: one.version for one in judged.policies if one.verdict == "require_approval"}
    found = (
        claimed if isinstance(claimed, WhyNot) else approval_covers(claimed, intent_digest, asking, question.asked.at)
    )
    if not isinstance(found, WhyNot) and (unknown := _unknown_caps(question, judged)):
        message = (
            f"Approval {found.approval_id} does not lift {unknown[0]}, a hard cap of which nobody knows where it stands"
        )
        found = WhyNot("cap_unknown", message, "`fiscus run` brings it up to date; come back with the approval then.")
    if isinstance(found, WhyNot):
        return judged._replace(reasons=(f"{found.message}.", *judged.reasons), next_step=found.remedy), ""
    rest = [one for one in judged.policies if one.verdict != "require_approval"]
    verdict = _strongest(rest)
    through = judged._replace(
        verdict=verdict,
        reasons=(found.reason, *(one.reason for one in rest if one.verdict != "allow" and one.reason)),
        next_step="Go ahead." if verdict in {"allow", "warn"} else judged.next_step,
        options=judged.options if verdict == "degrade" else (),
        approval=None,
    )
    return through, found.approval_id


def _unknown_caps(question: Question, judged: Judgement) -> list[str]:
    """Hard caps over which the money would be held, and that could not be judged."""
    currency = question.asked.intent.currency
    hard = {f"budget.{one.id}" for one in question.budgets if one.cap == "hard" and one.currency == currency}
    return sorted(hard & {one.policy_id for one in judged.policies if one.result == "error"})


def claim_record(claimed: Approval | WhyNot | None) -> Mapping[str, object]:
    """What a decision keeps of it, so that it can be judged again."""
    if claimed is None:
        return {}
    if isinstance(claimed, Approval):
        return {"approval": {"id": claimed.id, "digest": claimed.digest}}
    return {"approval": {"code": claimed.code, "message": claimed.message, "remedy": claimed.remedy}}


def as_claimed(approval: Approval) -> Approval:
    """As it stood when it was used: approved."""
    last = max((n for n, step in enumerate(approval.steps) if step.kind == "approved"), default=len(approval.steps) - 1)
    return replace(approval, state="approved", steps=approval.steps[: last + 1], used_by="")


def _strongest(results: Sequence[PolicyResult]) -> Verdict:
    return max((one.verdict for one in results), key=VERDICTS.index, default="allow")
