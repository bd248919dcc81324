"""Cloud Custodian's filters as conditions over charges. A filter is translated as a whole or not at all.

Leaving out one of several filters that must all hold makes a policy match more than it did, so the caller weakens it then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

from fiscus.guardrails.importers.c7n_globs import glob_pattern
from fiscus.guardrails.importers.c7n_resources import AGE_FILTERS, AGE_KEYS, DAYS_MAX, HOURLY, KEYS, RUNNING
from fiscus.guardrails.policies.compile_closure import cel_text, pattern_fault

_EQUAL: Final = ("eq", "equal", None)
_NOT_EQUAL: Final = ("ne", "not-equal")
_NEGATIVE: Final = ("ne", "not-equal", "not-in", "ni")  # what is not there is none of them
_STATES: Final = ("State.Name", "State", "instanceView.statuses[].code", "status")
_MORE: Final = ("ge", "gte", "gt", "greater-than")
_VALUE_KEYS: Final = frozenset({"type", "key", "op", "value", "value_type"})


class NotTranslated(Exception):
    """A filter without an equivalent: what it is, and why not."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(what)
        self.what = what
        self.why = why


@dataclass(slots=True)
class Filters:
    """What the filters of one policy came to. `days`: it was there on at least so many days."""

    terms: list[str] = field(default_factory=list)
    days: int = 0
    left_out: list[NotTranslated] = field(default_factory=list)
    notes: list[NotTranslated] = field(default_factory=list)  # translated, though not in every word


def translate_filters(filters: object) -> Filters:
    """Terms that must all hold, as CEL; what has no equivalent is in `left_out` by name."""
    found = Filters()
    for one in filters if isinstance(filters, list) else [filters]:
        noted = len(found.notes)
        try:
            term = _term(one, found, top=True)
        except NotTranslated as missing:
            del found.notes[noted:]  # of what is left out nothing is translated
            found.left_out.append(missing)
        else:
            if term:
                found.terms.append(term)
    return found


def _term(one: object, found: Filters, *, top: bool = False) -> str:
    if isinstance(one, str):
        one = {"type": one}
    if not isinstance(one, Mapping) or not one:
        raise NotTranslated(f"filter {one!r}", "it is no filter")
    for word, joined in (("and", " && "), ("or", " || ")):
        if word in one:
            terms = [_term(part, found) for part in _list(one[word])]
            return f"({joined.join(terms)})" if len(terms) > 1 else terms[0]
    if "not" in one:
        noted = len(found.notes)
        negated = " && ".join(_term(part, found) for part in _list(one["not"]))
        if HOURLY in negated or len(found.notes) > noted:
            raise NotTranslated("filter not", "a bill knows what ran, or was marked, and not what did not")
        return f"!({negated})"
    if "type" not in one and len(one) == 1:  # short form, such as "tag:Owner": absent
        ((key, value),) = one.items()
        short = {"present": "present", "absent": "absent", "not-null": "present", "empty": "empty"}
        given = {"key": key, "op": short[_word(value)]} if _word(value) in short else {"key": key, "value": value}
        return _value({"type": "value", **given}, found, top=top)
    return _typed(cast("Mapping[str, Any]", one), found, top=top)


def _word(given: object) -> str:
    return given if isinstance(given, str) else ""


def _list(given: object) -> Sequence[object]:
    if not isinstance(given, list) or not given:
        raise NotTranslated(f"filter {given!r}", "it is no list of filters")
    return given


def _typed(one: Mapping[str, Any], found: Filters, *, top: bool) -> str:
    kind = str(one.get("type"))
    if kind == "value":
        return _value(one, found, top=top)
    if kind in AGE_FILTERS:
        return _age(one, one.get("days"), found, top=top)
    if kind in {"offhour", "onhour"}:
        return _offhour(one, found)
    if kind == "marked-for-op":
        return _marked(one, found)
    if kind == "tag-count":
        raise NotTranslated("filter tag-count", "a condition counts nothing")
    raise NotTranslated(f"filter {kind}", "no bill knows it")


def _value(one: Mapping[str, Any], found: Filters, *, top: bool) -> str:
    key, value = str(one.get("key", "")), one.get("value")
    op = one.get("op") or {"present": "present", "not-null": "present", "absent": "absent", "empty": "empty"}.get(
        str(value)
    )
    if odd := sorted(set(one) - _VALUE_KEYS):
        raise NotTranslated(f"filter on {key}", f"{', '.join(odd)} has no equivalent")
    kind = one.get("value_type")
    if not isinstance(op, str | None) or not isinstance(kind, str | None):
        raise NotTranslated(f"filter on {key}", "its op or value_type is no word")
    if key in AGE_KEYS or kind in {"age", "expiration"}:
        if kind != "age" or op not in _MORE:
            raise NotTranslated(f"filter on {key}", "of times, only an age of at least so many days is known")
        return _age(one, value, found, top=top)
    if kind not in {None, "normalize"}:
        raise NotTranslated(f"filter on {key}", f"value_type {kind} has no equivalent")
    if key.startswith("tag:"):
        return _tag(key.removeprefix("tag:"), op, value)
    if key in _STATES:
        return _state(key, op, value)
    return _billed(key, op, value)


def _billed(key: str, op: object, value: object) -> str:
    """A key that a bill has a column of."""
    if key == "VolumeType" and op in _EQUAL and isinstance(value, str):
        return f"charge.SkuMeter.contains({cel_text(f'VolumeUsage.{value}')})"
    if (fact := KEYS.get(key)) is None:
        raise NotTranslated(f"filter on {key}", "no bill knows it")
    if op in {"present", "absent", "empty"}:
        return f"has({fact})" if op == "present" else f"!has({fact})"
    term = _compared(fact, key, op, value)
    if not fact.startswith("charge.details."):
        return term
    return f"(!has({fact}) || {term})" if op in _NEGATIVE else f"(has({fact}) && {term})"


def _tag(tag: str, op: object, value: object) -> str:
    if not tag or any(mark in tag for mark in ('"', "\\", "\0")):
        raise NotTranslated(f"filter on tag:{tag}", "a key cannot hold a quote or a backslash")
    named = cel_text(tag)
    held = f"{named} in charge.tags"
    if op == "present":
        return held
    if op == "absent":
        return f"!({held})"
    if op == "empty":
        return f'(!({held}) || charge.tags[{named}] == "")'
    term = _compared(f"charge.tags[{named}]", f"tag:{tag}", op, value)
    return f"(!({held}) || {term})" if op in _NEGATIVE else f"({held} && {term})"


def _compared(fact: str, key: str, op: object, value: object) -> str:
    texts = [_text(key, item) for item in value] if isinstance(value, list) else [_text(key, value)]
    listed = f"[{', '.join(cel_text(text) for text in texts)}]"
    if op == "in" or (op in _EQUAL and isinstance(value, list)):
        return f"{fact} in {listed}"
    if op in {"not-in", "ni"}:
        return f"!({fact} in {listed})"
    if isinstance(value, list):
        raise NotTranslated(f"filter on {key}", f"{op} of a list has no equivalent")
    text = texts[0]
    if op in _EQUAL:
        return f"{fact} == {cel_text(text)}"
    if op in _NOT_EQUAL:
        return f"{fact} != {cel_text(text)}"
    if op == "contains":
        return f"{fact}.contains({cel_text(text)})"
    if op in {"regex", "regex-case", "glob"}:
        return f"{fact}.matches({cel_text(_pattern(key, str(op), text))})"
    raise NotTranslated(f"filter on {key}", f"the operator {op} has no equivalent over texts")


def _text(key: str, value: object) -> str:
    if isinstance(value, bool) or value is None or isinstance(value, Mapping | list):
        raise NotTranslated(f"filter on {key}", f"{value!r} is no text")
    return str(value)


def _pattern(key: str, op: str, text: str) -> str:
    """Custodian's regex begins at the start and, unless regex-case, ignores case; a glob is all of the text."""
    case = "" if op == "regex-case" else "(?i)"
    pattern = glob_pattern(text) if op == "glob" else f"{case}^(?:{text})"
    if fault := pattern_fault(pattern):
        raise NotTranslated(f"filter on {key}", f"RE2 does not know this pattern: {fault}")
    return pattern


def _state(key: str, op: object, value: object) -> str:
    values = value if isinstance(value, list) else [value]
    if op in _EQUAL and all(str(one).casefold() in RUNNING for one in values):
        return HOURLY
    raise NotTranslated(
        f"filter on {key}", "of states a bill knows only running: what is stopped is billed for nothing"
    )


def _age(one: Mapping[str, Any], days: object, found: Filters, *, top: bool) -> str:
    op = one.get("op", "ge")
    if not top or op not in _MORE or not isinstance(days, int) or isinstance(days, bool) or not 0 < days <= DAYS_MAX:
        why = f"an age is known where it must hold by itself, as at least 1 to {DAYS_MAX} whole days"
        raise NotTranslated(f"filter {one.get('type')} of {days} days", why)
    found.days = max(found.days, days)
    found.notes.append(NotTranslated(f"the age of {days} days", "a bill knows only that it was billed on so many days"))
    return ""


def _offhour(one: Mapping[str, Any], found: Filters) -> str:
    """What never rests has no off-hours: it is billed for whole days."""
    if one["type"] == "onhour":
        raise NotTranslated("filter onhour", "nothing is started by a policy")
    tag = str(one.get("tag", "maid_offhours"))
    said = ", ".join(
        f"{name}: {one[name]}" for name in ("offhour", "default_tz", "weekends", "skip-days") if name in one
    )
    why = "a bill has whole days: it matches what ran day and night"
    found.notes.append(NotTranslated(f"the hours of offhour{f' ({said})' if said else ''}", why))
    always = f'({HOURLY} && charge.ConsumedQuantity >= quantity("23.5"))'
    return always if one.get("opt-out") is True else f"({cel_text(tag)} in charge.tags && {always})"


def _marked(one: Mapping[str, Any], found: Filters) -> str:
    tag, op = cel_text(str(one.get("tag", "maid_status"))), str(one.get("op", "stop"))
    found.notes.append(NotTranslated(f"the date of marked-for-op {op}", "a condition does not read dates out of tags"))
    return f"({tag} in charge.tags && charge.tags[{tag}].contains({cel_text(f'{op}@')}))"
