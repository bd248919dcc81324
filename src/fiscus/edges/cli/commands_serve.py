"""Commands that show the pages: serve them, or build the demo and serve that. How pages are served is handed in."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Annotated, Any, Protocol

from cyclopts import App, Parameter, validators

from fiscus.edges.cli.terminal import NO_OPTIONS, Common, guarded, note, progress, say, say_json, table

HOST = "127.0.0.1"
PORT = 8720


class ServePages(Protocol):
    """Serves a home until it is interrupted; `started` is told the address once it answers, `beside` lives as long."""

    def __call__(
        self,
        home: Path | str,
        host: str = HOST,
        port: int = PORT,
        started: Callable[[str], None] | None = None,
        beside: Callable[[], AbstractContextManager[object]] = nullcontext,
    ) -> None: ...


def mount(app: App, serve_pages: ServePages) -> None:
    """Add `serve` and `demo` to `app`."""

    @guarded
    def serve(*, host: str = HOST, port: int = PORT, common: Common = NO_OPTIONS) -> None:
        """Serve the pages and the API on this machine; OpenAPI at /api/docs. Ends with Ctrl-C.

        Parameters
        ----------
        host
            Only addresses of this machine, until sign-in exists.
        port
            Where to listen.
        """
        from fiscus.app.workspace import find_home

        home = find_home(common.home)
        serve_pages(home, host, port, _telling(common), lambda: _vendors(home))

    @guarded
    def demo(
        *,
        months: Annotated[int, Parameter(validator=validators.Number(gte=2, lte=36))] = 12,
        scale: Annotated[float, Parameter(validator=validators.Number(gt=0, lte=50))] = 1.0,
        seed: int = 7,
        serve: bool = True,
        port: int = PORT,
        common: Common = NO_OPTIONS,
    ) -> None:
        """Build a simulated company, run the loop on its bills, show what was found, and serve the pages until Ctrl-C.

        Parameters
        ----------
        months
            How many months of bills.
        scale
            1.0 is about 200,000 charges.
        seed
            The same seed gives the same company.
        serve
            Serve the pages afterwards; --no-serve ends after the summary.
        port
            Where to serve them.
        """
        from fiscus.app.demo import DemoPlan
        from fiscus.app.demo import demo as build_demo

        with progress(common) as bar, build_demo(common.home, DemoPlan(months, scale, seed), bar) as shown:
            bar.stage("Done")
            _show(common, shown)
            if serve and shown.try_it and not common.json:
                note(f"Call the gateway yourself, in another terminal:\n{shown.try_it}")
            if serve:
                serve_pages(shown.home, HOST, port, _telling(common))

    app.command(serve)
    app.command(demo)


def _vendors(home: Path) -> AbstractContextManager[object]:
    """A demo's company needs its simulated AWS, mail server and webhook; any other workspace has real ones."""
    from fiscus.app.settings import load_settings
    from fiscus.app.simulated_vendors import is_simulated, revived_vendors
    from fiscus.app.workspace import open_workspace

    if not is_simulated(home):
        return nullcontext()
    return revived_vendors(open_workspace(home), load_settings(home))


def _telling(common: Common) -> Callable[[str], None]:
    if common.json:
        return lambda url: say_json({"url": url})
    return lambda url: note(f"Open {url}   (Ctrl-C ends it)")


def _show(common: Common, shown: Any) -> None:
    if common.json:
        say_json(shown)
        return
    for line in shown.sentences:
        say(line)
    say()
    table(("kind", "planted", "found", "USD planted", "USD found"), shown.score.lines, "Nothing was planted.")
    say()
    table(("team", "EffectiveCost USD", "share %", "charges"), shown.teams, "Nothing is owned.")
    say()
    for line in shown.next_steps:
        say(line)
