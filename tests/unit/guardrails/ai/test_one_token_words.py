"""Known words of known tokenizers count as one token; what is counted so is never less than what the tokenizer makes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.ai_bodies import body, chat

from fiscus.guardrails.doors.ai.wires import wire_named
from fiscus.guardrails.doors.ai.wires.one_token_words import BYTES_MAX, knows, tokens_saved

# A text, and its tokens in cl100k_base and in o200k_base by the reference encoder (js-tiktoken 1.0.21).
COUNTED = [
    (
        "Please summarise the following meeting notes for our customer, and list every open question with its owner.",
        20,
        20,
    ),
    ("word " * 1000, 1001, 1001),
    ("Don't split the customer's name (O'Brien) or camelCase, snake_case and kebab-case words.", 23, 21),
    ("Zürich, São Paulo and 東京 had 12,345 visitors in 2026; naïve cafés stayed open.", 28, 25),
    (
        "def total(amounts: list[Decimal]) -> Decimal:\n    with localcontext(EXACT):\n        return sum(amounts, ZERO)\n",
        27,
        27,
    ),
    ("cafe\u0301 and the\u0301 word, the \U0001f600 word,the word  two  blanks\n the\n\n  the\tthe", 23, 23),
    ('{"name": "weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}', 28, 28),
]


def most(text: str) -> int:
    return len(text.encode()) - tokens_saved(text.encode())


@pytest.mark.parametrize(("text", "older", "newer"), COUNTED, ids=lambda value: repr(value)[:24])
def test_the_bound_is_never_below_what_the_tokenizers_make(text: str, older: int, newer: int) -> None:
    assert most(text) >= max(older, newer)


def test_plain_english_is_bounded_closely() -> None:
    text, older, newer = COUNTED[0]
    assert most(text) <= 1.7 * max(older, newer)
    assert most("word " * 1000) <= 1_010


@given(st.text(max_size=300))
def test_no_text_has_fewer_tokens_than_words_or_more_than_bytes(text: str) -> None:
    data = text.encode("utf-8", "surrogatepass")
    assert 0 <= tokens_saved(data) <= len(data)
    assert len(data) - tokens_saved(data) >= len(text.split(" ")) - 1


@given(st.text(alphabet="the cat\u0301'ü.\n1", max_size=60), st.text(alphabet="the cat\u0301'ü.\n1", max_size=60))
def test_two_texts_apart_are_bounded_no_less_than_each_by_itself(one: str, two: str) -> None:
    assert most(f"{one}\n{two}") >= most(one) + most(two)


def test_a_very_long_text_is_counted_by_its_bytes_beyond_a_length() -> None:
    text = b"a" + b" the" * 100_000
    assert tokens_saved(text) <= BYTES_MAX
    assert tokens_saved(text) >= BYTES_MAX // 2


@pytest.mark.parametrize(
    ("model", "known"),
    [
        ("gpt-4o-mini-2024-07-18", True),
        ("gpt-5-mini", True),
        ("o3", True),
        ("ft:gpt-4o:acme::1", True),
        ("openai/gpt-oss-120b:groq", True),
        ("text-embedding-3-small", True),
        ("gpt-5.4", False),
        ("gpt-6-sol", False),
        ("gpt-4.1-nano", True),
        ("my-gpt-4o", False),
        ("mistral-large-latest", False),
        ("claude-sonnet-4-5", False),
    ],
)
def test_only_models_of_a_published_table_are_counted_so(model: str, known: bool) -> None:
    assert knows(model) is known


def test_a_request_of_a_known_model_holds_less_money() -> None:
    text = "Please summarise the following meeting notes for our customer. " * 50
    wire = wire_named("openai")

    def tokens(model: str) -> int:
        ask = wire.read("chat", body(chat(model=model, messages=[{"role": "user", "content": text}])), "")
        return ask.bound.quantities["cache_write"]

    assert tokens("gpt-4o-mini") < tokens("gpt-6-sol") / 3
