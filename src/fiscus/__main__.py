"""The `fiscus` command: mounts the doors and starts the one that was asked for."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and leave with its exit code."""
    from fiscus.edges.cli.root import build_cli

    sys.exit(build_cli()(result_action="return_value") or 0)


if __name__ == "__main__":
    main()
