"""An AdmissionReview of admission.k8s.io/v1 as it comes in, and the answer to it (kubernetes.io, dynamic admission control)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fiscus.guardrails.doors.kubernetes.known_workloads import MoneyHeld
from fiscus.guardrails.types import Verdict
from fiscus.kernel.errors import BadInput, Where

VERSION: Final = "admission.k8s.io/v1"
WARNING_CHARS_MAX: Final = 256  # longer ones are cut off by the API server
WARNINGS_MAX: Final = 8
MESSAGE_CHARS_MAX: Final = 2_000
REMEDY: Final = "Register the webhook with admissionReviewVersions: [v1]; examples/kubernetes holds the manifest."


@dataclass(frozen=True, slots=True)
class Review:
    """What is asked. `object` and `old` are the objects of the API; empty where there is none."""

    uid: str
    operation: str
    kind: str
    namespace: str
    name: str
    resource: str  # plural, such as deployments
    subresource: str
    object: Mapping[str, Any]
    old: Mapping[str, Any]
    dry_run: bool
    username: str


@dataclass(frozen=True, slots=True)
class Admission:
    """The answer: let in or not, what to tell whoever asked, and what it was worth."""

    allowed: bool
    message: str = ""
    warnings: tuple[str, ...] = ()
    code: int = 200
    verdict: Verdict = "allow"
    decision_id: str = ""
    money: MoneyHeld | None = None
    unjudged: bool = False  # the failure policy answered
    told: str = ""  # the money, for people


def parse_review(data: object) -> Review:
    """The review in `data`, plain JSON. Raises BadInput for what is none, or of another version."""
    if not isinstance(data, Mapping) or data.get("apiVersion") != VERSION or data.get("kind") != "AdmissionReview":
        raise BadInput(f"This is no AdmissionReview of {VERSION}", remedy=REMEDY, where=Where(key="apiVersion"))
    request = data.get("request")
    if not isinstance(request, Mapping) or not isinstance(request.get("uid"), str) or not request["uid"]:
        raise BadInput("The review has no request with a uid", remedy=REMEDY, where=Where(key="request.uid"))
    return Review(
        uid=request["uid"],
        operation=str(request.get("operation", "")),
        kind=str(_map(request.get("kind")).get("kind", "")),
        namespace=str(request.get("namespace") or ""),
        name=str(request.get("name") or _map(_map(request.get("object")).get("metadata")).get("name") or ""),
        resource=str(_map(request.get("resource")).get("resource", "")),
        subresource=str(request.get("subResource") or ""),
        object=_map(request.get("object")),
        old=_map(request.get("oldObject")),
        dry_run=request.get("dryRun") is True,
        username=str(_map(request.get("userInfo")).get("username", "")),
    )


def review_answer(uid: str, admission: Admission) -> dict[str, Any]:
    """The AdmissionReview to send back."""
    response: dict[str, Any] = {"uid": uid, "allowed": admission.allowed}
    if admission.warnings:
        response["warnings"] = list(_warnings(admission.warnings))
    if not admission.allowed or admission.message:
        response["status"] = {"code": admission.code, "message": admission.message[:MESSAGE_CHARS_MAX]}
    annotations = {
        name: value
        for name, value in (
            ("verdict", "unjudged" if admission.unjudged else admission.verdict), ("decision", admission.decision_id)
        )
        if value
    }  # fmt: skip
    if annotations:
        response["auditAnnotations"] = annotations  # the API server's own audit log names our decision
    return {"apiVersion": VERSION, "kind": "AdmissionReview", "response": response}


def _warnings(texts: Sequence[str]) -> Sequence[str]:
    """One line each: a line break or a longer text is not shown."""
    lines = [" ".join(text.split()) for text in texts]
    short = [line if len(line) <= WARNING_CHARS_MAX else f"{line[: WARNING_CHARS_MAX - 1]}…" for line in lines]
    rest = len(short) - WARNINGS_MAX
    return short if rest <= 0 else [*short[:WARNINGS_MAX], f"and {rest} more"]


def _map(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
