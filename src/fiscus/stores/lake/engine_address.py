"""Where a lake's questions are answered when not embedded, and that what is needed to ask there is installed."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec

from fiscus.kernel.errors import BadConfig


@dataclass(frozen=True, slots=True)
class EngineAddress:
    """spark://host:port or sail://host:port, and settings of Spark for it."""

    url: str
    settings: tuple[tuple[str, str], ...] = ()

    @property
    def is_connect(self) -> bool:
        """Spoken to by Spark Connect: a client without Java."""
        return self.url.startswith("sail://")


def installed(url: str) -> None:
    """Raises BadConfig where the packages of an engine are missing."""
    extra = "sail" if url.startswith("sail://") else "spark"
    packages = ("pyspark", "sqlglot", "grpc") if extra == "sail" else ("pyspark", "sqlglot")
    if missing := [name for name in packages if find_spec(name) is None]:
        raise BadConfig(
            f"engine {url} needs {' and '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed",
            remedy=f"Install it: pip install 'fiscus[{extra}]'; or write engine: duckdb.",
        )
