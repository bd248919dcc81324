"""What is an address in an object store, and not a path. Loads nothing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

OBJECT: Final = re.compile(r"(s3|gs|gcs|abfs|abfss):/+(.+)", re.DOTALL)


def object_url(path: Path) -> str | None:
    """The URL that `path` was before it became a path (which makes one slash of two), or None for a file."""
    found = OBJECT.fullmatch(str(path))
    return f"{found[1]}://{found[2]}" if found else None
