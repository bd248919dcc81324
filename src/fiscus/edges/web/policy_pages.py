"""The page of one policy: what it demands, what is recorded of it, what it would have done, and the rows behind each line."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse, RedirectResponse

from fiscus.edges.web.site import Site, Visit, back
from fiscus.flows.backtest_policy import MONTHS
from fiscus.flows.prove_policies import record_backtest
from fiscus.flows.show_backtest import BacktestShown, show_backtest, show_backtest_rows, show_policy
from fiscus.kernel.errors import BadInput, Conflict


def mount(router: APIRouter, site: Site) -> None:
    """Add this file's pages to `router`."""

    sent = Depends(site.form)

    def tried(visit: Visit, policy_id: str, months: int) -> BacktestShown:
        ws = visit.ws
        return site.kept.get(ws, ("backtest", policy_id, months), lambda: show_backtest(ws, policy_id, months))

    @router.get("/policies/{policy_id}")
    def policy(request: Request, policy_id: str, months: str = str(MONTHS)) -> HTMLResponse:
        visit = site.visit(request)
        shown = show_policy(visit.ws, policy_id, site.trust(visit.ws))
        return site.page(visit, "policy.html", {"shown": shown, "months": _months(months)})

    @router.get("/policies/{policy_id}/backtest")
    def backtest(request: Request, policy_id: str, months: str = str(MONTHS)) -> HTMLResponse:
        """Asked for by the page after it opened, because looking back takes a moment."""
        visit = site.visit(request)
        return site.page(visit, "backtest.html", {"shown": tried(visit, policy_id, _months(months))})

    @router.get("/policies/{policy_id}/backtest/{key}")
    def rows(request: Request, policy_id: str, key: str, months: str = str(MONTHS)) -> HTMLResponse:
        visit = site.visit(request)
        shown = show_backtest_rows(visit.ws, tried(visit, policy_id, _months(months)), key)
        origin = (f"/policies/{policy_id}?months={_months(months)}", "The policy")
        return site.page(visit, "number.html", {"shown": shown, "origin": origin})

    @router.post("/policies/{policy_id}/backtest")
    def record(request: Request, policy_id: str, form: Mapping[str, str] = sent) -> RedirectResponse:
        """Exactly what the page showed becomes evidence: its digest came with the form."""
        visit = site.visit(request)
        actor, months = visit.actor(), _months(form.get("months", str(MONTHS)))
        shown = tried(visit, policy_id, months)
        if form.get("digest") != shown.digest:
            raise Conflict("The bills or the policy have moved on since", remedy="Look at the backtest again.")
        record_backtest(visit.ws, shown.backtest, actor)
        return back(f"/policies/{policy_id}?months={months}", "tried")


def _months(given: str) -> int:
    if not given.isdecimal() or len(given) > 3:
        raise BadInput(f"{given!r} is no number of months", remedy="Write months=3 or another whole number.")
    return int(given)
