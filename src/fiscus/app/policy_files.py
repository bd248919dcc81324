"""Policies from where people keep them: a file, a folder, a git revision of the workspace, or this workspace itself."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from fiscus.app.workspace import open_workspace
from fiscus.app.workspace_text import workspace_text
from fiscus.flows.workspace import Workspace
from fiscus.kernel.errors import BadConfig, NotFound
from fiscus.kernel.rows import Rows

FOLDER = "policies"
SUFFIXES = (".yaml", ".yml")
GIT_SECONDS_MAX = 30


def policy_texts(home: Path, where: str | None) -> Mapping[str, str]:
    """name -> text of the policies at `where`: a file or folder, else a git revision; None: those of the workspace `home`.

    Raises NotFound where there is nothing of the kind, BadConfig with the file that is no text.
    """
    texts, unread = readable_policies(home, where)
    if unread:
        raise unread[0]
    return texts


def readable_policies(home: Path, where: str | None) -> tuple[Mapping[str, str], Sequence[BadConfig]]:
    """(what `policy_texts` gives, of the files that are text; why the others are none). Raises NotFound as it does."""
    if where is None:
        return _of_path(home / FOLDER, home)
    path = Path(where)
    if path.exists():
        return _of_path(path, path if path.is_dir() else path.parent)
    return _of_revision(home, where), ()


def policies_if_any(home: Path) -> Mapping[str, str]:
    """The policies of the workspace; none where it has no such file."""
    try:
        return policy_texts(home, None)
    except NotFound:
        return {}


def workspace_if_any(home: Path) -> Workspace | None:
    """The workspace at `home`; None where there is none. What is there and does not load raises BadConfig."""
    return open_workspace(home) if (home / "fiscus.yaml").is_file() else None


def asks_constants(ws: Workspace | None) -> Callable[[str], Rows]:
    """How SQL over constants is asked, with a workspace and without one."""
    if ws is not None:
        return ws.lake.query
    import duckdb

    connection = duckdb.connect()

    def ask(sql: str) -> Rows:
        cursor = connection.execute(sql)
        return Rows(tuple(column[0] for column in cursor.description or ()), tuple(cursor.fetchall()))

    return ask


def _of_path(path: Path, root: Path) -> tuple[Mapping[str, str], Sequence[BadConfig]]:
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.suffix in SUFFIXES and p.is_file())
    if not files:
        raise NotFound(f"There is no policy file in {path}", remedy="Name a .yaml file, or a folder of them.")
    texts, unread = dict[str, str](), list[BadConfig]()
    for file in files:
        try:
            texts[_name(file, root)] = workspace_text(file, _name(file, root))
        except BadConfig as broken:
            unread.append(broken)
    return texts, unread


def _name(file: Path, root: Path) -> str:
    return file.relative_to(root).as_posix() if file.is_relative_to(root) else file.as_posix()


def _of_revision(home: Path, revision: str) -> Mapping[str, str]:
    """The policies of the workspace as they were committed."""
    listed = _git(home, revision, "ls-tree", "-r", "--name-only", "--end-of-options", revision, "--", FOLDER)
    names = [name for name in listed.splitlines() if name.endswith(SUFFIXES)]
    return {name: _git(home, revision, "cat-file", "-p", f"{revision}:./{name}") for name in names}


def _git(home: Path, revision: str, *arguments: str) -> str:
    remedy = "Name a file, a folder, or a revision of the git repository that the workspace is in, such as HEAD~1."
    if revision.startswith("-") or ":" in revision:
        raise NotFound(f"{revision!r} is no file and no revision", remedy=remedy)
    try:
        done = subprocess.run(  # noqa: S603 a fixed program; the revision is checked and never an option
            ["git", "-C", str(home), *arguments], capture_output=True, text=True, timeout=GIT_SECONDS_MAX, check=False  # noqa: S607 found on the PATH, as for people
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as broken:
        raise NotFound(f"{revision!r} is no file, and git cannot be asked ({broken})", remedy=remedy) from None
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["git said nothing"])[-1]
        raise NotFound(f"{revision!r} is no file and no revision ({said})", remedy=remedy)
    return done.stdout
