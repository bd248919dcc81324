"""What a process does that decides for others all day: what it is made of is not looked through for garbage again and again.

CPython looks for cycles after every 700 objects that stay, and now and then through all there are. Each reservation that waits
leaves some, so that a sixth of the time of many at once went there (measured, docs/adr/0003).
"""

from __future__ import annotations

import atexit
import gc
from typing import Final

GARBAGE_MIN: Final = 10_000  # objects of some hundred calls


def now_long_lived() -> None:
    """All that is loaded stays; only what calls leave behind is looked through. To be called once, when all is loaded."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_MIN)
    atexit.register(gc.unfreeze)  # DuckDB looks at the end whether anything of its own was left behind
