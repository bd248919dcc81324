"""A glob of Cloud Custodian matches here what Python's fnmatch, which Custodian asks, says that it matches."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fixtures.effort import some

from fiscus.guardrails.importers.c7n_globs import glob_pattern
from fiscus.guardrails.policies.check_condition import check_condition
from fiscus.guardrails.policies.compile_closure import cel_text, compile_closure, pattern_fault

LETTERS = 'ab-c[]!*?^\\.&|~ \n"é😀'


def _matches(glob: str, text: str) -> bool:
    condition = f"charge.team.matches({cel_text(glob_pattern(glob))})"
    node = check_condition(condition, "charge", lambda message, remedy: ValueError(message))
    return compile_closure(node)({"charge.team": text})[0] == "match"


@pytest.mark.parametrize(
    ("glob", "texts"),
    [
        ("a[!b]*", ["ac", "ab", "a", "a!", "a\n"]), ("[]x]", ["]", "x", "[", "[]x]"]), ("[!]]", ["]", "a"]),
        ("[a-c]", ["b", "-", "d"]), ("a[b", ["a[b", "ab"]), ("[]", ["[]", ""]), ("[!]", ["[!]", "x"]),
        ("[c-a]", ["b", "c", "-"]), ("[!c-a]", ["b", "", "bb"]), ("[a-]", ["-", "a", "b"]), ("[-a]", ["-", "a", "b"]),
        ("[^a]", ["^", "a", "b"]), ("*", ["", "a\nb"]), ("a?", ["a\n", "a"]), ("[a-c-e]", ["b", "d", "-", "e"]),
        ("[\\\\d]", ["\\\\", "d", "1"]), ("a", ["a", "a\n", "\na"]), ("[[]x", ["[x", "x"]),
    ],
)  # fmt: skip
def test_a_glob_matches_what_fnmatch_matches(glob: str, texts: list[str]) -> None:
    assert not pattern_fault(glob_pattern(glob))
    for text in [*texts, glob]:
        assert _matches(glob, text) == fnmatchcase(text, glob), text


@settings(max_examples=some(500), deadline=None)
@given(st.text(LETTERS, max_size=8), st.text(LETTERS, max_size=6))
def test_any_glob_matches_what_fnmatch_matches(glob: str, text: str) -> None:
    assert _matches(glob, text) == fnmatchcase(text, glob)
