"""The command that serves read-only tools to an assistant. How they are served is handed in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Protocol

from cyclopts import App, Parameter

from fiscus.edges.cli.terminal import NO_OPTIONS, Common, guarded, note, say_json

HOST = "127.0.0.1"
PORT = 8740


class ServeTools(Protocol):
    """Serves the tools of a home on behalf of a person; `address` None: on standard input and output."""

    def __call__(
        self, home: Path, person: str, address: tuple[str, int] | None, started: Callable[[str], None]
    ) -> None: ...


def mount(app: App, serve: ServeTools) -> None:
    """Add `mcp` to `app`."""

    @guarded
    def mcp(
        *,
        person: Annotated[str, Parameter(name="--as")],
        http: Annotated[bool, Parameter(negative=())] = False,
        host: str = HOST,
        port: int = PORT,
        common: Common = NO_OPTIONS,
    ) -> None:
        """Read-only tools for an assistant (MCP): headroom, why was I denied, cheaper option, spend, budgets.

        Parameters
        ----------
        person
            On whose behalf it asks: it sees what that person may see.
        http
            Serve streamable HTTP on this machine instead of standard input and output.
        host
            Where to listen with --http; loopback only.
        port
            Where to listen with --http; 0 takes a free one.
        """
        from fiscus.app.workspace import find_home

        def started(url: str) -> None:
            if common.json:
                say_json({"url": url})
            else:
                note(f"Tools are served at {url}   (Ctrl-C ends it)")

        serve(find_home(common.home), person, (host, port) if http else None, started)

    app.command(mcp)
