"""An intent as it comes in: plain JSON, checked name by name, as the typed thing that is decided on."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final, cast
from unicodedata import category

from fiscus.cost.conformance.currencies import ISO_4217
from fiscus.guardrails.policies.fact_tables import ATTRIBUTES, COMMON_ATTRIBUTES, FactType
from fiscus.guardrails.policies.given_facts import add_facts, nanos_given
from fiscus.guardrails.types import INTENT_KINDS, Intent, IntentKind
from fiscus.kernel.canonical import SAFE_INT, canonical_bytes, digest, quoted
from fiscus.kernel.documents import did_you_mean
from fiscus.kernel.errors import BadInput, Where
from fiscus.kernel.limits import FACT_TEXT_CHARS_MAX, INTENT_TAGS_MAX

TEXTS: Final = ("requested_by", "team", "environment", "provider", "product", "service", "currency")
_TEXTS_OF: Final = attrgetter("kind", *TEXTS)
_TEXT_FACTS: Final = tuple(f"intent.{name}" for name in ("kind", *TEXTS))
REQUIRED: Final = ("kind", "requested_by", "environment", "amount", "currency")
_UNWRITABLE: Final = ("Cc", "Cs")  # control characters, and halves of a pair that no encoding can write
AMOUNT_CHARS_MAX: Final = 60
WRITTEN_KEPT_MAX: Final = 1_024
AMOUNT_MAX: Final = Decimal(9_000_000_000)  # what 64 bits of nano-units hold
TEXT_CHARS_MAX: Final = 400
_JSON_TYPE: Final[Mapping[FactType, Mapping[str, object]]] = {
    "text": {"type": "string", "maxLength": TEXT_CHARS_MAX},
    "int": {"type": "integer"},
    "bool": {"type": "boolean"},
    "map": {"type": "object", "additionalProperties": {"type": "string"}},
    "money": {"type": ["string", "integer"], "description": "in the intent's currency, up to 9 decimals"},
    "quantity": {"type": ["string", "integer"], "description": "a decimal, up to 9 decimals; a share of all is 1"},
}


def parse_intent(data: object) -> Intent:
    """The intent in `data`. Raises BadInput that names the field: unknown, missing, or of the wrong type.

    `amount` is the most that it may cost: a decimal as text or a whole number, never a JSON float, which cannot hold cents.
    """
    if not isinstance(data, Mapping):
        raise _wrong("", "An intent is a JSON object", "docs/how-to/decide.md shows one of each kind.")
    for key in data:
        if key not in {"kind", "amount", "attributes", *TEXTS}:
            raise _wrong(str(key), f"{key!r} is no field of an intent", did_you_mean(str(key), _fields()))
    for key in REQUIRED:
        if data.get(key) is None or data[key] == "":
            raise _wrong(key, f"The intent has no {key}", f"Add {key}.")
    kind = data["kind"]
    if kind not in INTENT_KINDS:
        raise _wrong("kind", f"{kind!r} is no kind of intent", did_you_mean(str(kind), list(INTENT_KINDS)))
    texts = {key: "" if data.get(key) is None else _text(key, data[key]) for key in TEXTS}
    if texts["currency"] not in ISO_4217:
        raise _wrong("currency", f"{texts['currency']!r} is no currency", "Write an ISO 4217 code such as USD.")
    intent = Intent(
        kind=cast("IntentKind", kind),
        amount=_amount(data["amount"]),
        attributes=_attributes(str(kind), {} if data.get("attributes") is None else data["attributes"]),
        **texts,
    )
    intent_facts(intent)
    return intent


def intent_facts(intent: Intent) -> dict[str, object]:
    """The facts `intent.*` of it, typed. Raises BadInput for an attribute of the wrong type."""

    def refuse(key: str, message: str, remedy: str) -> Exception:
        return _wrong(key.replace("intent.", "attributes.", 1), message, remedy)

    texts = _TEXTS_OF(intent)
    facts: dict[str, object] = dict(zip(_TEXT_FACTS, texts, strict=True))
    facts["intent.amount"] = nanos_given("intent.amount", intent.amount, refuse)
    if len("".join(texts)) > FACT_TEXT_CHARS_MAX:  # one of them may be too long: each is looked at
        add_facts(facts, "intent", dict(zip(("kind", *TEXTS), texts, strict=True)), intent.kind, refuse)
    add_facts(facts, "intent", intent.attributes, intent.kind, refuse)
    return facts


def intent_digest(intent: Intent) -> str:
    """Names exactly what was asked: the digest of its RFC 8785 form (kernel/canonical.py).

    Every decision waits for it, so the form is written here, name by name in their order.
    """
    stated = intent.attributes
    if not "".join(stated).isascii():  # their order is another one then
        return digest(intent)
    attributes = ",".join([f"{_name_written(name)}:{_written(stated[name])}" for name in sorted(stated)])
    text = f'{{"amount":"{intent.amount:f}","attributes":{{{attributes}}},{_texts_written(_TEXTS_OF(intent))}}}'
    try:
        return hashlib.sha256(text.encode()).hexdigest()
    except UnicodeEncodeError:  # half of a surrogate pair: refused there, in its words
        return digest(intent)


@lru_cache(WRITTEN_KEPT_MAX)
def _texts_written(texts: tuple[str, ...]) -> str:
    """A company asks about the same few hundred combinations of names all day."""
    return ",".join([f'"{name}":{quoted(text)}' for name, text in sorted(zip(("kind", *TEXTS), texts, strict=True))])


@lru_cache(WRITTEN_KEPT_MAX)
def _name_written(name: str) -> str:
    return quoted(name)


def _written(value: object) -> str:
    if type(value) is str:
        return quoted(value)
    if type(value) is int and -SAFE_INT <= value <= SAFE_INT:
        return str(value)
    return canonical_bytes(value).decode()


def intent_schema() -> Mapping[str, object]:
    """The JSON Schema of an intent, one variant a kind; published as schema/intent.schema.json."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "intent",
        "description": "A spend asked for, before it is spent.",
        "oneOf": [_variant(kind) for kind in INTENT_KINDS],
    }


def _variant(kind: str) -> Mapping[str, object]:
    attributes = {name: _JSON_TYPE[type_] for name, type_ in ATTRIBUTES[kind].items()}
    attributes |= dict.fromkeys(COMMON_ATTRIBUTES, _JSON_TYPE["text"])
    amount = {
        "type": ["string", "integer"],
        "description": "the most that it may cost, in `currency`, up to 9 decimals",
    }
    return {
        "type": "object",
        "additionalProperties": False,
        "required": list(REQUIRED),
        "properties": {
            "kind": {"const": kind},
            "amount": amount,
            **dict.fromkeys(TEXTS, _JSON_TYPE["text"]),
            "attributes": {"type": "object", "additionalProperties": False, "properties": attributes},
        },
    }


def _attributes(kind: str, given: object) -> Mapping[str, object]:
    known = [*ATTRIBUTES[kind], *COMMON_ATTRIBUTES]
    if not isinstance(given, Mapping):
        raise _wrong("attributes", "attributes is no JSON object", f"Known: {', '.join(known)}.")
    for key, value in given.items():
        where = f"attributes.{key}"
        if key not in known:
            raise _wrong(where, f"{key!r} is no attribute of {kind}", did_you_mean(str(key), known))
        if isinstance(value, str):
            _text(where, value)
        if isinstance(value, Mapping):
            _texts(where, value)
    return {str(key): value for key, value in given.items() if value is not None}


def _texts(key: str, values: Mapping[object, object]) -> None:
    if len(values) > INTENT_TAGS_MAX:
        raise _wrong(key, f"{key} has more than {INTENT_TAGS_MAX} keys", "Send those that a policy asks for.")
    for name, value in values.items():
        _text(f"a key of {key}", name)
        _text(f"{key}.{name}", value)


def _text(key: str, value: object) -> str:
    if not isinstance(value, str):
        raise _wrong(key, f"{key} is a text, not {value!r}", "Put it in quotes.")
    if len(value) > TEXT_CHARS_MAX or any(category(letter) in _UNWRITABLE for letter in value):
        raise _wrong(
            key, f"{key} is longer than {TEXT_CHARS_MAX} characters or holds control characters", "Shorten it."
        )
    return value.strip()


def _amount(value: Any) -> Decimal:
    if isinstance(value, bool | float) or not isinstance(value, str | int):
        message = f"amount is a decimal as text or a whole number, not {value!r}"
        raise _wrong("amount", message, 'Write it as "0.42": a JSON float cannot hold cents exactly.')
    if abs(value) > AMOUNT_MAX if isinstance(value, int) else len(value) > AMOUNT_CHARS_MAX:
        raise _wrong("amount", "This is no amount that can be asked for", f"Ask for 0 to {AMOUNT_MAX:,}.")
    try:
        amount = Decimal(value)
    except InvalidOperation:
        raise _wrong("amount", f"{value!r} is no decimal number", 'Write it plainly, such as "1250.00".') from None
    if not amount.is_finite() or not 0 <= amount <= AMOUNT_MAX:
        raise _wrong("amount", f"{value} is no amount that can be asked for", f"Ask for 0 to {AMOUNT_MAX:,}.")
    if amount != round(amount, 9):
        raise _wrong("amount", f"{value} is finer than a billionth", "Round it up: it is the most that it may cost.")
    return amount


def _fields() -> list[str]:
    return ["kind", "amount", "attributes", *TEXTS]


def _wrong(key: str, message: str, remedy: str) -> BadInput:
    return BadInput(message, remedy=remedy, where=Where(key=key or None))
