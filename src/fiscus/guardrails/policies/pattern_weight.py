"""How much work a pattern can make: an upper estimate of the steps that RE2 takes for each byte of a text.

RE2 is linear in the text, but the line may be steep: `(a{1,100}){1,10}` is a program of a thousand instructions, and where RE2's
automaton runs out of memory each byte of the text may visit all of them. So patterns are weighed when a policy is loaded: one
for each instruction of the program, repetitions written out (https://github.com/google/re2/wiki/Syntax).
"""

from __future__ import annotations

import re
from typing import Final

_ANY: Final = 12  # . and negated classes: every letter of Unicode as ranges of UTF-8 bytes
_UNICODE: Final = 300  # \pL and its like
_QUOTED: Final = re.compile(r"\\Q(.*?)(?:\\E|$)", re.DOTALL)
_TOKEN: Final = re.compile(
    r"""(?P<unicode>\\[pP](?:\{[^}]*\}|.))
    |(?P<escape>\\x\{[0-9A-Fa-f]+\}|\\x..|\\[0-7]{1,3}|\\.)
    |(?P<set>\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\])
    |(?P<flags>\(\?[a-zA-Z-]+\))
    |(?P<open>\((?:\?(?:P?<\w+>|[a-zA-Z-]*:))?)
    |(?P<close>\))
    |(?P<count>\{\d+(?:,\d*)?\}\??)
    |(?P<repeat>[*+?]\??)
    |(?P<or>\|)
    |(?P<any>\.)
    |(?P<letter>.)""",
    re.VERBOSE | re.DOTALL,
)


def pattern_weight(pattern: str) -> int:
    """The estimate for `pattern`, which need not be valid. Cases that are folded count twice."""
    plain = _QUOTED.sub(lambda quoted: re.escape(quoted[1]), pattern)
    groups, last = [0], 0  # the sum of each open group, and the weight of the atom that a repetition would repeat
    for token in _TOKEN.finditer(plain):
        match token.lastgroup:
            case "open":
                groups.append(0)
                last = 0
            case "close" if len(groups) > 1:
                last = groups.pop() + 2
                groups[-1] += last
            case "count":
                groups[-1] += last * (_times(token[0]) - 1) + 1
                last *= _times(token[0])
            case "repeat" | "or" | "flags":
                groups[-1] += 1
            case kind:
                last = _atom(str(kind), token[0])
                groups[-1] += last
    return sum(groups) * (2 if re.search(r"\(\?[a-zA-Z]*i", plain) else 1)


def _times(count: str) -> int:
    numbers = [int(number) for number in re.findall(r"\d+", count)]
    return max(1, *numbers) + (1 if count.rstrip("?").endswith(",}") else 0)


def _atom(kind: str, text: str) -> int:
    if kind == "unicode":
        return _UNICODE
    if kind == "any":
        return _ANY
    if kind == "set":
        inside = len(text.encode()) + _UNICODE * len(re.findall(r"\\[pP]", text))
        return inside + (_ANY if text.startswith("[^") or re.search(r"\\[DWS]|\[:\^", text) else 0)
    if kind == "escape":
        return _ANY if text[1] in "DWSC" else 4
    return len(text.encode())
