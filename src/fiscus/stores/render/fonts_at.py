"""Where the fonts of print are: Inter, put in place by the build, never committed."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from fiscus.kernel.errors import Unavailable, Where

FAMILY: Final = "Inter"
FILES: Final = tuple(f"Inter_{weight}.ttf" for weight in ("400Regular", "500Medium", "600SemiBold", "700Bold"))
FOLDER: Final = Path(__file__).parent / "fonts"


def fonts_folder(folder: Path | None = None) -> Path:
    """The folder that holds every weight of Inter. Raises Unavailable: without it a typesetter falls back silently."""
    place = folder or FOLDER
    missing = [name for name in FILES if not (place / name).is_file()]
    if missing:
        raise Unavailable(
            f"The font {missing[0]} is not in place",
            remedy="Run `make` (or `python tools/build_assets.py`), which builds the fonts from the npm registry.",
            where=Where(file=str(place)),
        )
    return place
