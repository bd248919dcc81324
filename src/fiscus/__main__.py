"""The `fiscus` command: mounts the doors and starts the one that was asked for."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

from cyclopts import App

from fiscus.kernel.errors import EXIT_CODE


def main() -> None:
    """Run the command line and leave with its exit code."""
    if sys.argv[1:2] == ["check"]:
        leave(check_line()(result_action="return_value") or 0)
    sys.exit(command_line()(result_action="return_value") or 0)


def leave(code: int) -> NoReturn:
    """End the process without tidying its memory, which the machine takes back quicker; what was printed is out."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        pass  # nobody reads any more
    except OSError as refused:
        sys.stderr.write(f"error: the answer cannot be written: {refused.strerror}\n")
        code = EXIT_CODE["unavailable"]
    sys.stderr.flush()
    os._exit(code)


def check_line() -> App:
    """`fiscus check` alone: it needs no workspace, is run over many files, and is gone before memory has to be tidied."""
    from fiscus import __version__
    from fiscus.edges.cli.commands_check import mount

    gc.disable()
    app = App(name="fiscus", version=__version__)
    mount(app)
    return app


@cache
def command_line() -> App:
    """Every command; the server and its framework are loaded only by those that serve."""
    from fiscus.edges.cli.root import build_cli

    return build_cli(_serve, _serve_admission, _serve_tools, _serve_gateway, _serve_envoy)


def _serve(
    home: Path | str,
    host: str = "127.0.0.1",
    port: int = 8720,
    started: Callable[[str], None] | None = None,
    beside: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> None:
    from fiscus.serve import serve

    serve(home, host, port, started, beside)


def _serve_admission(
    home: Path, files: tuple[Path, Path, Path | None], host: str, port: int, started: Callable[[str], None]
) -> None:
    from fiscus.edges.admission.serve import TlsFiles, serve_admission

    serve_admission(home, TlsFiles(*files), host, port, started)


def _serve_tools(home: Path, person: str, address: tuple[str, int] | None, started: Callable[[str], None]) -> None:
    from fiscus.app.extras import needs

    needs("mcp", "mcp")
    from fiscus.edges.mcp.serve import serve_http, serve_stdio

    if address is None:
        serve_stdio(home, person)
    else:
        serve_http(home, person, *address, started)


def _serve_gateway(
    home: Path,
    address: tuple[str, int],
    workers: int,
    worker: tuple[int, int] | None,
    started: Callable[[str], None],
    with_parent: bool,
) -> None:
    from fiscus.edges.gateway.supervise import serve_gateway, serve_one_of

    if worker is None:
        serve_gateway(home, address, workers, started, with_parent=with_parent)
    else:
        serve_one_of(home, *address, worker)


def _serve_envoy(home: Path, where: Mapping[str, Any], started: Callable[[str], None]) -> None:
    from fiscus.app.extras import needs

    needs("envoy", "grpc", "google.protobuf")
    from fiscus.edges.envoy.serve import Listening, serve_envoy

    serve_envoy(home, Listening(**where), started)


if __name__ == "__main__":
    main()
