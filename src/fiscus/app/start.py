"""Make a workspace from the templates: commented, and valid as it is."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from fiscus.app.whole_file import folder_made
from fiscus.kernel.errors import Conflict, Where


def start_workspace(directory: Path) -> list[str]:
    """Write the templates into `directory`; nothing that stands there is touched. Returns the files made."""
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise Conflict(
            f"{directory} is not an empty folder", remedy="Name a new folder.", where=Where(file=str(directory))
        )
    folder_made(directory)
    made: list[str] = []
    for name, text in _templates(files("fiscus.app").joinpath("template"), ""):
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        made.append(name)
    made += write_policies(directory)
    (directory / "inbox" / "example").mkdir(parents=True)
    return sorted(made)


def write_policies(home: Path) -> list[str]:
    """Copy the library of ready policies into `home`/policies, to be changed there; returns the files made."""
    from fiscus.guardrails.policies.load_policies import library_texts

    made = []
    for name, text in library_texts().items():
        path = home / "policies" / Path(name).name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        made.append(f"policies/{path.name}")
    return made


def _templates(folder: Traversable, prefix: str) -> Iterator[tuple[str, str]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _templates(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith(".yaml"):
            yield f"{prefix}{entry.name}", entry.read_text(encoding="utf-8")
