"""What is installed only where it is wanted: a door that needs more than the product itself says which extra brings it."""

from __future__ import annotations

from importlib.util import find_spec

from fiscus.kernel.errors import Unavailable


def needs(extra: str, *modules: str) -> None:
    """Raises Unavailable where one of `modules`, which the extra brings, is not installed."""
    missing = [name for name in modules if not _is_there(name)]
    if missing:
        raise Unavailable(
            f"This needs {' and '.join(missing)}, which is not installed", remedy=f"pip install 'fiscus[{extra}]'"
        )


def _is_there(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:  # the package that it would be in
        return False
