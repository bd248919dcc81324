"""The command line as a whole. `fiscus` alone shows what a newcomer needs; `fiscus --help` shows everything."""

from __future__ import annotations

from cyclopts import App

from fiscus import __version__
from fiscus.edges.cli import (
    commands_act,
    commands_admission,
    commands_ai,
    commands_allocate,
    commands_approve,
    commands_books,
    commands_check,
    commands_close,
    commands_commitments,
    commands_currency,
    commands_data,
    commands_envoy,
    commands_export,
    commands_gate,
    commands_gateway,
    commands_ledger,
    commands_mcp,
    commands_policy,
    commands_price_history,
    commands_prices,
    commands_purchase,
    commands_record,
    commands_report,
    commands_serve,
    commands_show,
)
from fiscus.edges.cli.commands_admission import ServeAdmission
from fiscus.edges.cli.commands_envoy import ServeEnvoy
from fiscus.edges.cli.commands_gateway import ServeGateway
from fiscus.edges.cli.commands_mcp import ServeTools
from fiscus.edges.cli.commands_serve import ServePages
from fiscus.edges.cli.terminal import say

NEWCOMER = """Fiscus: a control plane for cloud, AI, SaaS and marketplace spend.

  fiscus init DIR                       make a workspace
  fiscus ingest PATH --source NAME      bring FOCUS bills in
  fiscus run                            own, judge, escalate, plan: the loop once
  fiscus status                         what needs someone now
  fiscus decide < intent.json           ask before spending
  fiscus serve                          the pages and the API

fiscus --help lists every command; --json works on each."""


def build_cli(
    serve_pages: ServePages,
    serve_admission: ServeAdmission,
    serve_tools: ServeTools,
    serve_gateway: ServeGateway,
    serve_envoy: ServeEnvoy,
) -> App:
    """The root command with every subcommand mounted; how each door is served is handed in."""
    app = App(
        name="fiscus", help="A control plane for cloud, AI, SaaS and marketplace spend, on FOCUS.", version=__version__
    )
    commands_data.mount(app)
    commands_check.mount(app)
    commands_export.mount(app)
    money = (
        commands_show,
        commands_allocate,
        commands_currency,
        commands_act,
        commands_approve,
        commands_gate,
        commands_purchase,
        commands_books,
        commands_close,
        commands_ledger,
        commands_ai,
        commands_prices,
        commands_price_history,
        commands_commitments,
    )
    for group in (*money, commands_record, commands_policy, commands_report):
        group.mount(app)
    commands_serve.mount(app, serve_pages)
    commands_admission.mount(app, serve_admission)
    commands_mcp.mount(app, serve_tools)
    commands_gateway.mount(app, serve_gateway)
    commands_envoy.mount(app, serve_envoy)
    app.default(_newcomer)
    return app


def _newcomer() -> None:
    say(NEWCOMER)
