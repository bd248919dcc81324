"""An RE2 pattern as one of Java that matches the same texts, for Spark; what has no equal there is refused by name.

Both are leftmost searches that answer yes or no, so greed does not matter. Java differs in what `.`, `$`, `\\s`, `\\b` and letter
case mean (java.util.regex.Pattern; https://github.com/google/re2/wiki/Syntax): each is written out. Java backtracks: a pattern
that is linear in RE2 may be slow there, and a runaway one is stopped by the query's own time limit.
"""

from __future__ import annotations

import re
from typing import Final

from fiscus.kernel.errors import BadConfig

_POSIX: Final = {
    "alnum": r"0-9A-Za-z", "alpha": r"A-Za-z", "ascii": r"\x00-\x7F", "blank": r"\t ", "cntrl": r"\x00-\x1F\x7F", "digit": r"0-9",
    "graph": r"!-~", "lower": r"a-z", "print": r" -~", "punct": r"!-/:-@\[-`{-~", "space": r"\t\n\x0B\f\r ", "upper": r"A-Z",
    "word": r"0-9A-Za-z_", "xdigit": r"0-9A-Fa-f",
}  # fmt: skip
_CLASSES: Final = {"d": "0-9", "s": r"\t\n\f\r ", "w": "0-9A-Za-z_"}
_WORD_EDGE: Final = r"(?:(?<=[0-9A-Za-z_])(?![0-9A-Za-z_])|(?<![0-9A-Za-z_])(?=[0-9A-Za-z_]))"
_NO_EDGE: Final = r"(?:(?<=[0-9A-Za-z_])(?=[0-9A-Za-z_])|(?<![0-9A-Za-z_])(?![0-9A-Za-z_]))"
_TOKEN: Final = re.compile(
    r"""\\Q(?P<quoted>.*?)(?:\\E|$)
    |(?P<unicode>\\[pP](?:\{\^?\w+\}|\w))
    |\\x\{(?P<wide>[0-9A-Fa-f]+)\}|\\x(?P<hex>[0-9A-Fa-f]{2})
    |\\(?P<escape>.)
    |(?P<set>\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\])
    |\(\?(?P<flags>[a-zA-Z-]+)(?P<flags_end>[:)])
    |\(\?P?<(?P<name>\w+)>
    |(?P<count>\{\d+(?:,\d*)?\})
    |(?P<plain>.)""",
    re.VERBOSE | re.DOTALL,
)
_SET_TOKEN: Final = re.compile(
    r"\[:(?P<posix>\^?\w+):\]|(?P<unicode>\\[pP](?:\{\^?\w+\}|\w))|\\x\{(?P<wide>[0-9A-Fa-f]+)\}|\\x(?P<hex>[0-9A-Fa-f]{2})"
    r"|\\(?P<escape>.)|(?P<plain>.)",
    re.DOTALL,
)


def java_pattern(pattern: str) -> str:
    """The Java pattern. Raises BadConfig for what RE2 has and Java has not, or means otherwise."""
    scopes: list[tuple[bool, bool]] = [
        (False, False)
    ]  # (. matches a line break, ^ and $ are of lines) of each open group
    return "".join(_piece(token, scopes, pattern) for token in _TOKEN.finditer(pattern))


def _piece(token: re.Match[str], scopes: list[tuple[bool, bool]], pattern: str) -> str:  # noqa: PLR0911 one return a token
    if token["quoted"] is not None:
        return "".join(map(_letter, token["quoted"]))
    if token["unicode"]:
        return _unicode(token["unicode"])
    if code := token["wide"] or token["hex"]:
        return f"\\x{{{code}}}"
    if token["escape"]:
        return _escape(token["escape"], pattern)
    if token["set"]:
        return _set(token["set"], pattern)
    if token["flags"]:
        return _flags(token, scopes, pattern)
    if token["name"]:
        scopes.append(scopes[-1])
        return "(?:"
    if token["count"]:
        return token["count"]
    return _plain(token[0], scopes)


def _plain(letter: str, scopes: list[tuple[bool, bool]]) -> str:
    over_lines, of_lines = scopes[-1]
    if letter == "(":
        scopes.append(scopes[-1])
    elif letter == ")" and len(scopes) > 1:
        scopes.pop()
    elif letter == ".":
        return r"[\x00-\x{10FFFF}]" if over_lines else r"[^\n]"
    elif letter == "^":
        return r"(?:\A|(?<=\n))" if of_lines else r"\A"
    elif letter == "$":
        return r"(?:\z|(?=\n))" if of_lines else r"\z"
    return "\\" + letter if letter in "{}" else letter  # no count: the letter itself


def _letter(letter: str) -> str:
    return letter if letter.isalnum() or letter.isspace() or not letter.isascii() else "\\" + letter


def _flags(token: re.Match[str], scopes: list[tuple[bool, bool]], pattern: str) -> str:
    """(?s), (?m) and (?U) are written out where they count; (?i) is Java's, for all of Unicode."""
    on, _, off = token["flags"].partition("-")
    if set(on + off) - set("imsU"):
        raise _no_equal(token[0], pattern)
    over_lines, of_lines = scopes[-1]
    over_lines, of_lines = ("s" in on or (over_lines and "s" not in off)), ("m" in on or (of_lines and "m" not in off))
    opens = token["flags_end"] == ":"
    if opens:
        scopes.append((over_lines, of_lines))
    else:
        scopes[-1] = (over_lines, of_lines)
    case = ("iu" if "i" in on else "") + ("-iu" if "i" in off else "")
    return f"(?{case}{':' if opens else ')'}" if case or opens else ""


def _escape(letter: str, pattern: str) -> str:
    if letter in "dsw":
        return f"[{_CLASSES[letter]}]"
    if letter in "DSW":
        return f"[^{_CLASSES[letter.lower()]}]"
    if letter in "bB":
        return _WORD_EDGE if letter == "b" else _NO_EDGE
    if letter in "Azntfr":
        return "\\" + letter
    if letter in {"a", "v"}:
        return r"\x07" if letter == "a" else r"\x0B"
    if letter.isalnum():
        raise _no_equal("\\" + letter, pattern)
    return _letter(letter)


def _unicode(text: str) -> str:
    """\\pN, \\p{Greek} and \\p{^Greek}: a script is written Is… in Java, a category is not."""
    sign, name = text[1], text[2:].strip("{}")
    if name.startswith("^"):
        sign, name = ("P" if sign == "p" else "p"), name[1:]
    return f"\\{sign}{{{name if len(name) <= 2 else 'Is' + name}}}"


def _set(text: str, pattern: str) -> str:
    """A class: Java's has intersections and nested classes, so what would begin one is escaped."""
    inner, negated = text[1:-1], text.startswith("[^")
    inner = inner[1:] if negated else inner
    parts: list[str] = []
    for token in _SET_TOKEN.finditer(inner):
        if name := token["posix"]:
            members = _POSIX.get(name.lstrip("^"))
            if members is None:
                raise _no_equal(f"[:{name}:]", pattern)
            parts.append(f"[^{members}]" if name.startswith("^") else members)
        elif token["unicode"]:
            parts.append(_unicode(token["unicode"]))
        elif code := token["wide"] or token["hex"]:
            parts.append(f"\\x{{{code}}}")
        elif token["escape"]:
            parts.append(_set_escape(token["escape"], pattern))
        else:
            parts.append("-" if token[0] == "-" else _letter(token[0]))
    return f"[{'^' if negated else ''}{''.join(parts)}]"


def _set_escape(letter: str, pattern: str) -> str:
    if letter in "dsw":
        return _CLASSES[letter]
    if letter in "bBAzQE":
        raise _no_equal("\\" + letter, pattern)
    return _escape(letter, pattern)


def _no_equal(what: str, pattern: str) -> BadConfig:
    return BadConfig(
        f"{what} of the pattern {pattern!r} has no equal in Spark",
        remedy="Write it with classes and letters, or run on DuckDB.",
    )
