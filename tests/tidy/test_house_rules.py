"""The house rules of docs/architecture.md, each with its reason, run as tests."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
SOURCE = REPO / "src" / "fiscus"
PYTHON = sorted(p for p in SOURCE.rglob("*.py") if "__pycache__" not in p.parts)
ROOMS = ("cost", "ownership", "signals", "guardrails", "actions", "board")


def _tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", *patterns],
        cwd=REPO,
        capture_output=True,
        text=True,
        check=True,
    )
    return [REPO / line for line in listed.stdout.splitlines() if (REPO / line).is_file()]


def _name(path: Path) -> str:
    return str(path.relative_to(REPO))


def _functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@pytest.mark.parametrize("path", PYTHON, ids=_name)
def test_a_file_and_its_functions_are_small(path: Path) -> None:
    """Past 400 lines a file, or 60 a function, the thing has two jobs."""
    text = path.read_text(encoding="utf-8")
    assert text.count("\n") <= 400
    long = [
        f"{f.name} ({f.end_lineno - f.lineno + 1})"
        for f in _functions(ast.parse(text))
        if f.end_lineno - f.lineno >= 60
    ]
    assert not long


def test_no_room_for_odds_and_ends() -> None:
    """A name such as utils tells nobody what belongs there, so everything does."""
    banned = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "base", "core"}
    assert not [_name(p) for p in SOURCE.rglob("*") if p.stem in banned]


def test_what_a_run_leaves_behind_is_not_committed() -> None:
    """A wheel or a log that `git add .` picked up at the top belongs to nobody, and stays for ever."""
    wanted = {".md", ".toml", ".lock", ".json"}
    named = {".gitignore", ".importlinter", ".npmrc", "LICENSE", "Makefile"}
    top = [p.name for p in _tracked() if p.parent == REPO]
    assert "README.md" in top
    assert not [name for name in top if name not in named and Path(name).suffix not in wanted]


def test_time_comes_from_the_clock() -> None:
    """A second source of time cannot be simulated. Monotonic time for durations is no date and is free."""
    clock = re.compile(r"\b(datetime\.now|datetime\.utcnow|date\.today|time\.time)\(")
    late = [_name(p) for p in PYTHON if clock.search(p.read_text("utf-8")) and p != SOURCE / "kernel" / "clock.py"]
    assert not late


def test_only_the_terminal_prints() -> None:
    """What a flow prints cannot be JSON, a page or silence."""
    loud = [
        _name(p)
        for p in PYTHON
        if not p.is_relative_to(SOURCE / "edges" / "cli")
        and any(
            isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id == "print"
            for n in ast.walk(ast.parse(p.read_text("utf-8")))
        )
    ]
    assert not loud


def test_stores_and_connectors_see_only_types_and_ports_of_the_rooms() -> None:
    """A store that knows a room's rules has two jobs. The cost room's SQL over its own tables is the text that the lake runs."""
    allowed = re.compile(
        r"fiscus\.(kernel(\.\w+)*|(\w+\.)+(types|ports)|cost\.focus_names|cost\.(version_|datasets\.|books\.|marketplaces\.|currency\.)?views|"
        r"stores(\.\w+)*|connectors(\.\w+)*)$"
    )
    wrong = [
        f"{_name(path)}: {module}"
        for part in ("stores", "connectors")
        for path in PYTHON
        if path.is_relative_to(SOURCE / part)
        for module in _imports(path)
        if module.startswith("fiscus.") and not allowed.match(module)
    ]
    assert not wrong


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_a_suppressed_warning_says_why() -> None:
    """`noqa` and `type: ignore` name what they hide."""
    bare = re.compile(r"#\s*noqa(?!: ?[A-Z]+\d+)|#\s*type:\s*ignore(?!\[)")
    assert not [_name(p) for p in PYTHON if bare.search(p.read_text("utf-8"))]


def test_each_room_has_a_short_readme() -> None:
    """What comes in, what goes out, what it promises; at most 20 lines."""
    rooms = [
        SOURCE / room
        for room in ROOMS
        if any(p.name not in {"types.py", "ports.py", "__init__.py"} for p in (SOURCE / room).glob("*.py"))
    ]
    missing = [_name(room) for room in rooms if not (room / "README.md").is_file()]
    assert not missing
    assert not [_name(room) for room in rooms if (room / "README.md").read_text("utf-8").count("\n") > 20]


def test_locks_hold_hashes_and_no_addresses() -> None:
    """A lock that names a host works behind no mirror."""
    for lock in REPO.glob("requirements*.lock"):
        text = lock.read_text("utf-8")
        assert "--hash=sha256:" in text
        assert "://" not in text, lock.name
    package_lock = REPO / "package-lock.json"
    assert not package_lock.is_file() or "://" not in re.sub(
        r'"(url|funding)": ?"[^"]*"', "", package_lock.read_text("utf-8")
    )


def test_nothing_of_others_and_nothing_of_one_machine_is_committed() -> None:
    """Third-party code is installed, not carried; a path of one machine means nothing on the next."""
    files = _tracked()
    assert not [_name(p) for p in files if re.search(r"\.min\.(js|css)$|/node_modules/|/vendor/", _name(p))]
    paths = re.compile(r"/(?:wor" + r"k|roo" + r"t)/(?:main|shared|\.)")
    assert not [
        _name(p)
        for p in files
        if p.suffix in {".py", ".md", ".toml", ".yaml", ".sh"} and paths.search(p.read_text("utf-8", "ignore"))
    ]


def test_each_dependency_has_earned_its_place() -> None:
    """docs/adr says what each dependency does for us, its health, and what we would do without it."""
    import tomllib

    project = tomllib.loads((REPO / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [*project["dependencies"], *(d for group in project["optional-dependencies"].values() for d in group)]
    names = {re.split(r"[\[<>=! ]", item)[0].lower() for item in wanted}
    adr = "\n".join(p.read_text("utf-8").lower() for p in (REPO / "docs" / "adr").glob("*.md"))
    assert not sorted(name for name in names if f"`{name}`" not in adr)


def test_each_command_is_documented() -> None:
    """A command without a place in the reference does not exist for its users."""
    from fiscus.__main__ import command_line

    reference = (REPO / "docs" / "reference" / "cli.md").read_text("utf-8")
    missing = [name for name in _commands(command_line(), "fiscus") if f"`{name}" not in reference]
    assert not missing


def _commands(app, prefix: str) -> Iterator[str]:
    for name in app:
        if name.startswith("-"):
            continue
        child = app[name]
        below = [n for n in child if not n.startswith("-")]
        if below:
            yield from _commands(child, f"{prefix} {name}")
        else:
            yield f"{prefix} {name}"
