"""What every page shares: the workspace, who acts, the form token, and the templates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from fiscus.edges.web.drawings import bullet, island
from fiscus.edges.web.form_token import FIELD, SESSION_COOKIE, FormTokens
from fiscus.edges.web.format_values import FILTERS, TESTS
from fiscus.edges.web.spend_links import last_day, narrowed, with_filter, without
from fiscus.flows.keep_shown import KeptShown
from fiscus.flows.show_trust import DataTrust, data_trust
from fiscus.flows.spend_dimensions import SpendAsked, asked_pairs
from fiscus.flows.workspace import Workspace
from fiscus.kernel.actor import Actor
from fiscus.kernel.errors import BadInput, FiscusError, NotAllowed, NotFound
from fiscus.ownership.people import require_live
from fiscus.ownership.types import Person

PERSON_COOKIE = "fiscus_person"
THEME_COOKIE = "fiscus_theme"
NAVIGATION = (
    ("/", "Today", "t"),
    ("/spend", "Spend", "s"),
    ("/budgets", "Budgets", "b"),
    ("/ai", "AI", "i"),
    ("/cases", "Cases", "c"),
    ("/approvals", "Approvals", "y"),
    ("/actions", "Actions", "a"),
    ("/purchases", "Marketplace and SaaS", "m"),
    ("/commitments", "Commitments", "k"),
    ("/credits", "Prepaid", "v"),
    ("/policies", "Policies", "p"),
    ("/owners", "Owners", "o"),
    ("/reports", "Reports", "e"),
    ("/allocations", "Shared cost", "h"),
    ("/books", "Books", "l"),
    ("/board", "Board", "r"),
    ("/data", "Data", "d"),
)
WITHIN = {
    "/marketplaces": "/purchases",
    "/prices": "/purchases",
    "/currencies": "/spend",
}  # pages without an entry of their own
SAID = {
    "approved": "Approved. Apply it to make the change.",
    "rejected": "Rejected. Its targets are left alone for two weeks.",
    "applied": "Sent, and what came of it is in the journal.",
    "undone": "Taken back; the journal says what was found.",
    "planned": "Planned anew: what may be changed stands below.",
    "paused": "Paused: no action reaches a vendor until somebody resumes.",
    "resumed": "Resumed: approved actions may be applied.",
    "said-yes": "Your yes stands in the record.",
    "said-no": "Your no stands in the record.",
    "bought": "Recorded as bought: what was held for it is committed.",
    "withdrawn": "Recorded as not bought: what was held for it is free again.",
    "ended": "Recorded as ended: it renews no more.",
    "acknowledged": "Acknowledged. Its escalation stands still.",
    "closed": "Closed.",
    "month-closed": "Signed. What the month says stays readable as it was signed.",
    "month-opened": "Open again; what was signed stays in the evidence.",
    "invoice-entered": "Entered, and held against its charges below.",
    "tried": "Recorded: this version may be enforced as it is written.",
    "person": "You act in this name now. It is asserted, not proven.",
}


@cache
def asset_version(name: str) -> str:
    """Changes with the file's bytes, so that a browser keeps it for as long as they stand."""
    asset = files("fiscus.edges.web").joinpath("static", *name.split("/"))
    return sha256(asset.read_bytes()).hexdigest()[:12] if asset.is_file() else "missing"


def asset(name: str) -> str:
    """The address of a static file."""
    return f"/static/{name}?v={asset_version(name)}"


def spend_url(asked: SpendAsked, page: str = "/spend") -> str:
    """The address that asks `asked`."""
    pairs = asked_pairs(asked)
    return f"{page}?{urlencode(pairs)}" if pairs else page


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("fiscus.edges.web", "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(FILTERS)
    environment.tests.update(TESTS)
    environment.globals.update(
        asset=asset,
        spend_url=spend_url,
        bullet=bullet,
        island=island,
        navigation=NAVIGATION,
        csrf_field=FIELD,
        last_day=last_day,
        narrowed=narrowed,
        with_filter=with_filter,
        without=without,
    )
    return environment


@dataclass(frozen=True, slots=True)
class Visit:
    """One request: the workspace as it stands, and who says that they are looking."""

    request: Request
    ws: Workspace
    person: Person | None

    def actor(self) -> Actor:
        """Who acts. NotAllowed when nobody was chosen."""
        if self.person is None:
            raise NotAllowed(
                "Nobody was chosen, so nobody can act", remedy="Choose who you are at the top of the page."
            )
        return Actor(self.person.id)


class Site:
    """The pages' surroundings; one for each server."""

    def __init__(self, get_ws: Callable[[], Workspace]) -> None:
        self._get_ws = get_ws
        self._environment = _environment()
        self.tokens = FormTokens()
        self.kept = KeptShown()

    def visit(self, request: Request) -> Visit:
        """The request's workspace and person; a name that is nobody (any more) counts as nobody."""
        ws = self._get_ws()
        try:
            said = request.cookies.get(PERSON_COOKIE, "")
            person = require_live(ws.config.directory, said, ws.as_of) if said else None
        except NotFound:
            person = None
        return Visit(request, ws, person)

    def trust(self, ws: Workspace) -> DataTrust:
        """The header of every page."""
        return self.kept.get(ws, "trust", lambda: data_trust(ws))

    def page(self, visit: Visit, template: str, context: Mapping[str, Any]) -> HTMLResponse:
        """`template` with what every page shows around it."""
        about = {
            "person": visit.person,
            "people": live_people(visit.ws),
            "trust": self.trust(visit.ws),
            "simulated": visit.ws.config.simulated,
        }
        return self._render(visit.request, template, {**about, **context}, 200)

    def error(self, request: Request, error: Mapping[str, Any], status: int) -> HTMLResponse:
        """An error in the words of the API: what, where, what to do."""
        try:
            simulated = self._get_ws().config.simulated
        except FiscusError:  # the workspace itself is what cannot be read
            simulated = ()
        again = request.url.path if request.method == "GET" else request.url.path.rpartition("/")[0] or "/"
        about = {"person": None, "people": (), "trust": None, "simulated": simulated, "again": again}
        return self._render(request, "error.html", {**about, "error": error, "status": status}, status)

    def _render(self, request: Request, template: str, context: Mapping[str, Any], status: int) -> HTMLResponse:
        session = self.tokens.session(request.cookies.get(SESSION_COOKIE))
        theme = request.cookies.get(THEME_COOKIE, "")
        query = f"?{request.url.query}" if request.url.query else ""
        html = self._environment.get_template(template).render(
            {
                "room": WITHIN.get(request.url.path, request.url.path),
                "here": f"{request.url.path}{query}",
                "theme": theme if theme in {"light", "dark"} else "",
                "csrf": self.tokens.token(session),
                "said": SAID.get(request.query_params.get("said", ""), ""),
                **context,
            }
        )
        response = HTMLResponse(html, status, headers={"Cache-Control": "no-store"})
        if request.cookies.get(SESSION_COOKIE) != session:
            response.set_cookie(SESSION_COOKIE, session, httponly=True, samesite="strict", path="/")
        return response

    async def form(self, request: Request) -> Mapping[str, str]:
        """A form that was opened here. NotAllowed for any other; BadInput for what is no form."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in {"application/x-www-form-urlencoded", "multipart/form-data"}:
            raise BadInput("This is not a form", remedy="Send what the page's form sends.")
        sent = {key: value for key, value in (await request.form()).items() if isinstance(value, str)}
        self.tokens.check(request.cookies.get(SESSION_COOKIE), sent.get(FIELD))
        return sent


def live_people(ws: Workspace) -> tuple[Person, ...]:
    """Those of the directory who are still here, by name."""
    day = ws.as_of.isoformat()
    here = [one for one in ws.config.directory.people.values() if one.left_on is None or one.left_on > day]
    return tuple(sorted(here, key=lambda one: (one.name, one.id)))


def back(to: str, said: str = "") -> RedirectResponse:
    """See Other: a reload repeats nothing. `to` is a path of ours; anything else becomes the first page."""
    path = to if to.startswith("/") and not to.startswith(("//", "/\\")) else "/"
    if said:
        path = f"{path}{'&' if '?' in path else '?'}{urlencode({'said': said})}"
    return RedirectResponse(path, 303)
