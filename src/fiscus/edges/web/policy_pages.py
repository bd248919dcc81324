"""The page of one policy: what it demands, what is recorded of it, what it would have done, and the rows behind each line."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from fiscus.edges.web.site import Site, Visit
from fiscus.flows.backtest_policy import MONTHS
from fiscus.flows.show_backtest import BacktestShown, show_backtest, show_backtest_rows, show_policy
from fiscus.kernel.errors import BadInput


def mount(router: APIRouter, site: Site) -> None:
    """Add this file's pages to `router`."""

    def tried(visit: Visit, policy_id: str) -> BacktestShown:
        months = _months(visit.request)
        ws = visit.ws
        return site.kept.get(ws, ("backtest", policy_id, months), lambda: show_backtest(ws, policy_id, months))

    @router.get("/policies/{policy_id}")
    def policy(request: Request, policy_id: str) -> HTMLResponse:
        visit = site.visit(request)
        shown = show_policy(visit.ws, policy_id, site.trust(visit.ws))
        return site.page(visit, "policy.html", {"shown": shown, "months": _months(request)})

    @router.get("/policies/{policy_id}/backtest")
    def backtest(request: Request, policy_id: str) -> HTMLResponse:
        """Asked for by the page after it opened, because looking back takes a moment."""
        visit = site.visit(request)
        return site.page(visit, "backtest.html", {"shown": tried(visit, policy_id)})

    @router.get("/policies/{policy_id}/backtest/{key}")
    def rows(request: Request, policy_id: str, key: str) -> HTMLResponse:
        visit = site.visit(request)
        shown = show_backtest_rows(visit.ws, tried(visit, policy_id), key)
        origin = (f"/policies/{policy_id}?months={_months(request)}", "The policy")
        return site.page(visit, "number.html", {"shown": shown, "origin": origin})


def _months(request: Request) -> int:
    given = request.query_params.get("months", str(MONTHS))
    if not given.isdecimal() or len(given) > 3:
        raise BadInput(f"{given!r} is no number of months", remedy="Write months=3 or another whole number.")
    return int(given)
