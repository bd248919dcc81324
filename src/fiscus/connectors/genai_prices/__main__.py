"""The compiled price document on standard output: run in a process of its own, which its memory leaves with."""

from __future__ import annotations

import json
import sys

from fiscus.connectors.genai_prices.compile_prices import compile_prices

sys.stdout.write(json.dumps(compile_prices(), separators=(",", ":"), sort_keys=True))
