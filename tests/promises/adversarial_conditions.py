"""Conditions that somebody writes to make an evaluation long: by hand, and drawn from a seed. Each is refused or bounded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from random import Random

from fiscus.kernel.limits import FACT_TEXT_CHARS_MAX, MATCHED_TEXT_CHARS_MAX

LONG = "a" * FACT_TEXT_CHARS_MAX
MATCHED = "a" * MATCHED_TEXT_CHARS_MAX
NEARLY = "a" * (FACT_TEXT_CHARS_MAX // 2) + "b" + "a" * (FACT_TEXT_CHARS_MAX // 3)
SLOW_PATTERNS = (
    "(a*)*b", "(a|a)*b", "(a|aa)+$b", "(a+)+c", "(x+x+)+y", "((a{0,20}){0,20})b", "(a{1,100}){1,4}b", "(.{1,10}a){1,3}",
    ".*.*.*.*.*.*.*.*.*.*=.*", "(.|a){1,20}b", "(?i)(a{1,20}){1,10}b", "[^b]{1,30}b", "(.{0,5}){0,6}z", "(a?){100}b",
    "^(([a-z])+.)+[A-Z]([a-z])+$", r"\\pL*b", r"(\\w|\\d|_)*!", "(a|b|ab)*(bc|c)*d",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Attack:
    """A condition on ai.request, and facts chosen to hurt. `refused`: it must not load."""

    name: str
    condition: str
    facts: Mapping[str, object]
    refused: bool | None = None


def written() -> list[Attack]:
    """Each kind of attack by hand."""
    texts = {"intent.reason": LONG, "intent.team": NEARLY, "intent.purpose": MATCHED}
    refused = {
        "parentheses": "(" * 1_900 + "true" + ")" * 1_900,
        "lists in lists": "[" * 1_900 + "]" * 1_900 + " == []",
        "a loop": "[1, 2, 3].all(x, x > 0)",
        "loops in loops": _nested("[1, 1].all(x, {})", "true"),
        "maps in maps": _nested("[1, 1].map(x, {})", "x") + " == []",
        "a list of 990": f"intent.team in [{','.join(['1'] * 990)}]",
        "a chain of 200": " || ".join(["intent.team=='a'"] * 200),
        "ten megabytes of text": "intent.team == '" + "a" * 10_000_000 + "'",
        "a pattern of a million": 'intent.purpose.matches("(a{1,1000}){1,1000}")',
        "a large program": 'intent.purpose.matches("(a{1,100}){1,10}(a{1,100}){1,10}(a{1,100}){1,10}")',
        "classes by the hundred": r'intent.purpose.matches("(\\pL.{1,50}\\pL){20}")',
        "many patterns": " || ".join(['intent.purpose.matches("(a{1,50}){1,9}b")'] * 40),
        "a message": "google.protobuf.Struct{} == null",
        "a map": "{1: 2}[1] == 2",
        "text that grows": "intent.team + intent.team == ''",
        "a division": "intent.max_tokens / 0 == 1",
    }
    bounded = {
        "nots": "!" * 3_900 + "true",
        "minuses": "-" * 3_900 + "1 == 1",
        "choices in choices": _nested("({} ? true : false)", "intent.stream", 30),
        "choices of texts": _nested('({} == "a" ? intent.team : intent.reason)', "intent.team", 12) + ' == ""',
        "numbers that overflow": "intent.max_tokens * 9223372036854775807 * 9223372036854775807 > 0",
        "long texts searched": " || ".join(["intent.reason.contains(intent.team)"] * 90),
        "long texts compared": " || ".join(["intent.reason == intent.team"] * 100),
        "long texts measured": " && ".join(["size(intent.reason) > 1"] * 120),
        "errors everywhere": " || ".join(["intent.max_tokens > 5"] * 100),
        "a long text matched": 'intent.reason.matches("a*b")',
    }
    bounded |= {f"the pattern {p}": f'!intent.purpose.matches("{p}") && intent.max_tokens > 1' for p in SLOW_PATTERNS}
    return [Attack(name, text, texts, refused=True) for name, text in refused.items()] + [
        Attack(name, text, texts, refused=False) for name, text in bounded.items()
    ]


def drawn(seed: int, count: int) -> Iterator[Attack]:
    """Attacks put together at random, near every limit at once; whether one loads is its own business."""
    random = Random(seed)
    for number in range(count):
        parts: list[str] = []
        while sum(map(len, parts)) < random.choice([300, 1_500, 3_500]):
            parts.append(_part(random))
        joint = random.choice([" && ", " || "])
        text = joint.join(parts)
        if random.random() < 0.2:
            text = _nested(f"({{}} ? {parts[0]} : {random.choice(['true', 'false'])})", text, random.randint(1, 5))
        facts: dict[str, object] = {
            "intent.reason": random.choice([LONG, NEARLY, MATCHED, "é" * MATCHED_TEXT_CHARS_MAX, ""]),
            "intent.team": random.choice([LONG, NEARLY, "b"]),
            "intent.purpose": random.choice([MATCHED, "😀" * MATCHED_TEXT_CHARS_MAX, LONG]),
        }
        if random.random() < 0.5:
            facts["intent.max_tokens"] = random.choice([0, 2**63 - 1])
        yield Attack(f"drawn {number}", text, facts)


def _part(random: Random) -> str:
    text = random.choice(["intent.reason", "intent.team", "intent.purpose"])
    return random.choice(
        [
            f'{text}.matches("{_pattern(random)}")',
            f"{text}.contains({random.choice(['intent.team', 'intent.purpose', 'intent.reason'])})",
            f"{text}.endsWith(intent.team)",
            f"size({text}) * {random.randint(-9, 9)} < intent.max_tokens",
            f'{text} in ["{"a" * random.randint(1, 30)}", "b"]',
            f'({text}.matches("{_pattern(random)}") ? {text} : intent.team) == {text}',
            f"intent.max_tokens * intent.max_tokens > {random.randint(1, 9)}",
        ]
    )


def _pattern(random: Random) -> str:
    if random.random() < 0.5:
        return random.choice(SLOW_PATTERNS)
    atom = random.choice(["a", ".", "[^b]", "(a|b)", "(a?)", "é", "(.a)", r"\\w", "(?:aa|a)"])
    inner, outer = random.randint(1, 40), random.randint(1, 12)
    return f"({atom}{{{random.choice(['0,', '1,', ''])}{inner}}}){{1,{outer}}}{random.choice(['b', '$', 'z+'])}"


def _nested(form: str, inmost: str, depth: int = 60) -> str:
    text = inmost
    for _ in range(depth):
        if len(wider := form.replace("{}", text)) > 3_900:
            break
        text = wider
    return text
