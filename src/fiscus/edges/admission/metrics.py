"""What the webhook counts, as /metrics serves it: nothing is let in or turned away for want of an answer unseen."""

from __future__ import annotations

from typing import Final

from fiscus.edges.counters_text import counters_text
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
    """Every counter in the text format of Prometheus."""
    return counters_text(counters, ABOUT).encode()
