"""Which answers say that the vendor did nothing, and so billed nothing: the request was wrong, or not taken."""

from __future__ import annotations

from typing import Final

NOT_BILLED: Final = frozenset({400, 401, 402, 403, 404, 405, 409, 410, 413, 415, 422, 424, 429, 503, 529})
