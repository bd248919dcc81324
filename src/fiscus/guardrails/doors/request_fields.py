"""A request as it comes in (plain JSON) read field by field: each typed, each error naming its field and what to write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Final
from unicodedata import category

from fiscus.cost.conformance.currencies import ISO_4217
from fiscus.kernel.documents import did_you_mean
from fiscus.kernel.errors import BadInput, Where
from fiscus.kernel.money import EXACT, ZERO

TEXT_CHARS_MAX: Final = 400
AMOUNT_MAX: Final = Decimal(9_000_000_000)  # what 64 bits of nano-units hold
NUMBER_CHARS_MAX: Final = 60
_UNWRITABLE: Final = ("Cc", "Cs")  # control characters, and halves of a pair that no encoding can write


@dataclass(frozen=True, slots=True)
class Fields:
    """The fields of one request. `what` is its name in a sentence: `A purchase`."""

    what: str
    data: Mapping[str, object]

    @classmethod
    def of(cls, what: str, data: object, known: Sequence[str]) -> Fields:
        """Raises BadInput for what is no JSON object or has a field that nobody knows."""
        if not isinstance(data, Mapping):
            raise wrong("", f"{what} is a JSON object", f"It has the fields {', '.join(known)}.")
        for key in data:
            if key not in known:
                raise wrong(str(key), f"{key!r} is no field of {what.lower()}", did_you_mean(str(key), known))
        return cls(what, {str(key): value for key, value in data.items() if value is not None})

    def text(self, key: str, *, needed: bool = False) -> str:
        """One line of text; empty when it was not given."""
        value = self.data.get(key, "")
        if not isinstance(value, str):
            raise wrong(key, f"{key} is a text, not {value!r}", "Put it in quotes.")
        if len(value) > TEXT_CHARS_MAX or any(category(letter) in _UNWRITABLE for letter in value):
            raise wrong(
                key, f"{key} is longer than {TEXT_CHARS_MAX} characters or holds control characters", "Shorten it."
            )
        if needed and not value.strip():
            raise wrong(key, f"{self.what} has no {key}", f"Add {key}.")
        return value.strip()

    def one_of(self, key: str, choices: Sequence[str], default: str = "") -> str:
        """One of a few words; `default` when it was not given, an error when that is empty."""
        value = self.text(key, needed=not default) or default
        if value not in choices:
            raise wrong(key, f"{key} is {value!r}, which is none of {', '.join(choices)}", did_you_mean(value, choices))
        return value

    def money(self, key: str, *, needed: bool = False) -> Decimal | None:
        """An amount from 0 on with at most nine decimals; None when it was not given."""
        return self._number(key, AMOUNT_MAX, needed=needed)

    def percent(self, key: str) -> Decimal | None:
        """From 0 to 100; None when it was not given."""
        return self._number(key, Decimal(100), needed=False)

    def whole(self, key: str, low: int, high: int, *, needed: bool = False) -> int | None:
        """A whole number of [low, high]; None when it was not given."""
        value = self.data.get(key)
        if value is None and not needed:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise wrong(key, f"{key} is a whole number from {low} to {high}, not {value!r}", "Write it without quotes.")
        return value

    def day(self, key: str) -> date | None:
        """A date; None when it was not given."""
        text = self.text(key)
        if not text:
            return None
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise wrong(key, f"{text!r} is not a date", "Write it as YYYY-MM-DD.") from None

    def currency(self) -> str:
        """An ISO 4217 code under `currency`."""
        text = self.text("currency", needed=True)
        if text not in ISO_4217:
            raise wrong("currency", f"{text!r} is no currency", "Write an ISO 4217 code such as USD.")
        return text

    def _number(self, key: str, most: Decimal, *, needed: bool) -> Decimal | None:
        value = self.data.get(key)
        if value is None:
            if needed:
                raise wrong(key, f"{self.what} has no {key}", f"Add {key}.")
            return None
        if isinstance(value, bool | float) or not isinstance(value, str | int) or len(str(value)) > NUMBER_CHARS_MAX:
            raise wrong(key, f"{key} is a decimal as text or a whole number, not {value!r}", 'Write it as "12.50".')
        try:
            number = Decimal(value)
        except InvalidOperation:
            raise wrong(key, f"{value!r} is no decimal number", 'Write it plainly, such as "12.50".') from None
        if not number.is_finite() or not ZERO <= number <= most or number != round(number, 9):
            raise wrong(key, f"{key} is {value}, out of bounds", f"Write 0 to {most:,}, with at most nine decimals.")
        return number


def plain_text(value: Decimal) -> str:
    """A number as an intent carries it: two decimals at least, nine at most, no zeros behind that."""
    short = round(value, 9).normalize(EXACT)
    exponent = short.as_tuple().exponent
    places = -exponent if isinstance(exponent, int) else 0
    return format(short.quantize(Decimal(1).scaleb(-max(places, 2)), context=EXACT), "f")


def wrong(key: str, message: str, remedy: str) -> BadInput:
    """An error at one field; the caller raises it."""
    return BadInput(message, remedy=remedy, where=Where(key=key or None))
