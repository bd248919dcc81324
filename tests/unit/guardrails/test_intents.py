"""An intent as it comes in: whatever cannot be read exactly is refused, and the field is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from fiscus.guardrails.decisions.intent import intent_digest, parse_intent
from fiscus.guardrails.types import INTENT_KINDS, Intent
from fiscus.kernel.canonical import digest
from fiscus.kernel.errors import BadInput

ASK: dict[str, Any] = {
    "kind": "ai.request", "requested_by": "max", "team": "ml", "environment": "staging", "amount": "5.00", "currency": "USD",
    "provider": "Anthropic", "attributes": {"model": "claude-haiku-4-5"},
}  # fmt: skip
TAGS = {f"k{n}": "v" for n in range(201)}
MACHINE = {"kind": "resource.provision"}


@pytest.mark.parametrize(
    ("changes", "key", "said"),
    [
        ({"amount": 5.0}, "amount", "a decimal as text or a whole number, not 5.0"),
        ({"amount": True}, "amount", "not True"),
        ({"amount": ["5"]}, "amount", "a decimal as text"),
        ({"amount": None}, "amount", "has no amount"),
        ({"amount": ""}, "amount", "has no amount"),
        ({"amount": "NaN"}, "amount", "no amount that can be asked for"),
        ({"amount": "sNaN"}, "amount", "no amount that can be asked for"),
        ({"amount": "Infinity"}, "amount", "no amount that can be asked for"),
        ({"amount": "1e400"}, "amount", "no amount that can be asked for"),
        ({"amount": "1e999999999999"}, "amount", "amount"),
        ({"amount": "-0.01"}, "amount", "no amount that can be asked for"),
        ({"amount": "9" * 5000}, "amount", "no amount that can be asked for"),
        ({"amount": 10**6000}, "amount", "no amount that can be asked for"),
        ({"amount": "9000000000.01"}, "amount", "no amount that can be asked for"),
        ({"amount": "0.0000000001"}, "amount", "finer than a billionth"),
        ({"amount": "1e-400"}, "amount", "finer than a billionth"),
        ({"amount": "five"}, "amount", "'five' is no decimal number"),
        ({"currency": "usd"}, "currency", "'usd' is no currency"),
        ({"currency": "ZZZ"}, "currency", "'ZZZ' is no currency"),
        ({"currency": "$"}, "currency", "'$' is no currency"),
        ({"currency": ["USD"]}, "currency", "is a text"),
        ({"kind": "ai.requests"}, "kind", "Did you mean ai.request?"),
        ({"kind": ["ai.request"]}, "kind", "no kind of intent"),
        ({"enviroment": "dev"}, "enviroment", "Did you mean environment?"),
        ({"environment": None}, "environment", "has no environment"),
        ({"requested_by": ""}, "requested_by", "has no requested_by"),
        ({"requested_by": 7}, "requested_by", "is a text, not 7"),
        ({"team": "m\u0000l"}, "team", "control characters"),
        ({"team": "ml\n"}, "team", "control characters"),
        ({"team": "\x7f"}, "team", "control characters"),
        ({"team": "\ud800"}, "team", "control characters"),
        ({"product": "x" * 401}, "product", "longer than 400 characters"),
        ({"attributes": ["model"]}, "attributes", "no JSON object"),
        ({"attributes": {"modle": "x"}}, "attributes.modle", "Did you mean model?"),
        ({"attributes": {"model": 5}}, "attributes.model", "is a text, not 5"),
        ({"attributes": {"model": "x" * 401}}, "attributes.model", "longer than 400"),
        ({"attributes": {"max_tokens": "5"}}, "attributes.max_tokens", "is a whole number, not '5'"),
        ({"attributes": {"max_tokens": True}}, "attributes.max_tokens", "is a whole number, not True"),
        ({"attributes": {"max_tokens": 2**63}}, "attributes.max_tokens", "larger than 64 bits"),
        ({"attributes": {"stream": 1}}, "attributes.stream", "is true or false, not 1"),
        ({"attributes": {"stream": "true"}}, "attributes.stream", "is true or false"),
        (MACHINE | {"attributes": {"tags": ["team"]}}, "attributes.tags", "no mapping of texts"),
        (MACHINE | {"attributes": {"tags": {"team": 5}}}, "attributes.tags.team", "is a text, not 5"),
        (MACHINE | {"attributes": {"tags": {"team": "x" * 401}}}, "attributes.tags.team", "longer than 400"),
        (MACHINE | {"attributes": {"tags": TAGS}}, "attributes.tags", "more than 200 keys"),
        (MACHINE | {"attributes": {"model": "x"}}, "attributes.model", "no attribute of resource.provision"),
    ],
)
def test_an_intent_that_cannot_be_read_names_the_field(changes: dict[str, Any], key: str, said: str) -> None:
    with pytest.raises(BadInput) as refused:
        parse_intent(ASK | changes)
    assert said in f"{refused.value.message} {refused.value.remedy}"
    assert refused.value.where is not None
    assert refused.value.where.key == key
    assert len(str(refused.value)) < 1000


@pytest.mark.parametrize("data", [None, [], "ai.request", 5])
def test_an_intent_is_an_object(data: object) -> None:
    with pytest.raises(BadInput, match="An intent is a JSON object"):
        parse_intent(data)


def test_amounts_are_kept_to_the_billionth() -> None:
    assert parse_intent(ASK | {"amount": "0.000000001"}).amount == Decimal("0.000000001")
    assert parse_intent(ASK | {"amount": 9_000_000_000}).amount == 9_000_000_000
    assert parse_intent(ASK | {"amount": 0}).amount == 0


@pytest.mark.parametrize("kind", INTENT_KINDS)
def test_what_is_left_out_is_nothing_and_null_is_left_out(kind: str) -> None:
    intent = parse_intent(
        {key: ASK[key] for key in ("requested_by", "environment", "amount", "currency")} | {"kind": kind}
    )
    assert (intent.team, intent.provider, intent.attributes) == ("", "", {})
    assert parse_intent(ASK | {"attributes": {"model": None}}).attributes == {}
    assert replace(intent, kind="ai.request") == parse_intent(ASK | {"team": None, "provider": None, "attributes": {}})


texts = st.text(st.characters(exclude_categories=()), max_size=12)
plain = (
    texts
    | st.integers()
    | st.booleans()
    | st.none()
    | st.dictionaries(texts, texts, max_size=3)
    | st.decimals(0, 9, places=9)
)


@given(
    st.dictionaries(texts, plain, max_size=5), st.lists(texts, min_size=8, max_size=8), st.decimals(0, 10**9, places=4)
)
def test_its_digest_is_that_of_its_canonical_form(
    attributes: dict[str, object], said: list[str], amount: Decimal
) -> None:
    intent = Intent("ai.request", said[0], said[1], said[2], amount, said[3], said[4], said[5], said[6], attributes)
    assert _or_refused(intent_digest, intent) == _or_refused(digest, intent)


def _or_refused(digest_of: Callable[[Intent], str], intent: Intent) -> str:
    """Half of a surrogate pair, or a number above what every reader holds, has no canonical form."""
    try:
        return digest_of(intent)
    except (UnicodeEncodeError, rfc8785.CanonicalizationError) as refused:
        return type(refused).__name__
