"""One tree of errors. Each names the thing at fault and says what to do about it.

An error is three lines for a person: what, where, what to do. Doors map `code` to an HTTP status and an exit code by
`HTTP_STATUS` and `EXIT_CODE`; nothing else in the product decides either.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Where:
    """The place of a fault: whichever of file, line (1-based), row (1-based data row), column and key are known."""

    file: str | None = None
    line: int | None = None
    row: int | None = None
    column: str | None = None
    key: str | None = None

    def __str__(self) -> str:
        parts = [self.file] if self.file else []
        parts += [f"{name} {value}" for name in ("line", "row", "column", "key") if (value := getattr(self, name))]
        return ", ".join(parts)


class FiscusError(Exception):
    """Something that Fiscus refuses or cannot do. Subclasses set `code`; each raise names a remedy."""

    code = "internal"

    def __init__(self, message: str, *, remedy: str, where: Where | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.where = where

    def __str__(self) -> str:
        place = f" ({self.where})" if self.where and str(self.where) else ""
        return f"{self.message}{place}. {self.remedy}"

    def as_dict(self) -> dict[str, object]:
        """The stable JSON shape of an error: code, message, where, remedy."""
        where = (
            {}
            if self.where is None
            else {name: value for name in Where.__slots__ if (value := getattr(self.where, name)) is not None}
        )
        return {"code": self.code, "message": self.message, "where": where, "remedy": self.remedy}


class BadInput(FiscusError):
    """A file, row or value from outside that cannot be accepted."""

    code = "bad_input"


class BadConfig(FiscusError):
    """A workspace file (fiscus.yaml, policies, budgets, owners) that does not say what it must."""

    code = "bad_config"


class BadQuery(FiscusError):
    """SQL from a person that is not allowed or does not parse."""

    code = "bad_query"


class NotFound(FiscusError):
    """A named thing that does not exist."""

    code = "not_found"


class Conflict(FiscusError):
    """The thing changed, or is already in another state."""

    code = "conflict"


class NotAllowed(FiscusError):
    """The person may not do this: four eyes, belts, a missing confirmation."""

    code = "not_allowed"


class LimitExceeded(FiscusError):
    """A bound of `kernel.limits` or of a safety belt was reached."""

    code = "limit"


class Unavailable(FiscusError):
    """A dependency (store, vendor, mail server) cannot be reached."""

    code = "unavailable"


class OutcomeUnknown(FiscusError):
    """A call to a vendor was sent and its answer was lost: it may or may not have happened."""

    code = "outcome_unknown"


class IntegrityBroken(FiscusError):
    """A record does not match what the evidence or the books say it must be."""

    code = "integrity"


HTTP_STATUS = {
    "bad_input": 422,
    "bad_config": 422,
    "bad_query": 400,
    "not_found": 404,
    "conflict": 409,
    "not_allowed": 403,
    "limit": 429,
    "unavailable": 503,
    "outcome_unknown": 502,
    "integrity": 500,
    "internal": 500,
}

# 0 is success, 3 needs approval, 4 denied (both from `decide`), 2 everything that could not be done as asked.
EXIT_CODE = dict.fromkeys(HTTP_STATUS, 2) | {"integrity": 5, "internal": 70}
