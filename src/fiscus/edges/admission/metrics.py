"""What the webhook counts, as /metrics serves it: nothing is let in or turned away for want of an answer unseen."""

from __future__ import annotations

from typing import Final

from fiscus.kernel.counters import Counters

ANSWERS: Final = "fiscus_admission_answers_total"
FAILURES: Final = "fiscus_admission_failures_total"
REFUSED: Final = "fiscus_admission_refused_total"
LATE: Final = "fiscus_admission_late_total"
GONE: Final = "fiscus_admission_gone_total"
NOT_RENEWED: Final = "fiscus_admission_not_renewed_total"
ABOUT: Final = {
    ANSWERS: "Answers that were judged, by verdict and whether it was a dry run.",
    FAILURES: "Answers by the failure policy, by why and what they said.",
    REFUSED: "Requests that were no AdmissionReview.",
    LATE: "Judgements that came after their answer, by what became of the money that they held.",
    GONE: "Workloads that were deleted while money was held for them, by what became of it.",
    NOT_RENEWED: "Bills, settings or certificates that could not be looked for.",
}


def metrics_text(*counters: Counters) -> bytes:
    """Every counter in the text format of Prometheus, version 0.0.4."""
    lines, named = list[str](), set[str]()
    for (name, labels), number in sorted(item for one in counters for item in one.all().items()):
        if name not in named:
            named.add(name)
            lines += [f"# HELP {name} {ABOUT[name]}"] if name in ABOUT else []
            lines.append(f"# TYPE {name} counter")
        said = ",".join(f'{label}="{_escaped(value)}"' for label, value in labels)
        lines.append(f"{name}{{{said}}} {number}" if said else f"{name} {number}")
    return "\n".join([*lines, ""]).encode()


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
