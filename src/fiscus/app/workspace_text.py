"""A file of a workspace as text; one that is none is named."""

from __future__ import annotations

from pathlib import Path

from fiscus.kernel.errors import BadConfig, Where


def workspace_text(path: Path, name: str) -> str:
    """The text at `path`, which errors call `name`. Raises BadConfig for what is not UTF-8, or cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        remedy = "Save it as UTF-8."
        raise BadConfig("Not a text in UTF-8", remedy=remedy, where=Where(file=name)) from None
    except OSError as broken:
        message = f"It cannot be read: {broken.strerror}"
        raise BadConfig(message, remedy="Let this user read it.", where=Where(file=name)) from None
