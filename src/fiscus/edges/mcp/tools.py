"""The tools as an assistant sees them: names, words and types. Each is one question of flows/answer_person.py; none writes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Annotated, Any, Final, ParamSpec, cast

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import Field

from fiscus import __version__
from fiscus.cost.ai.price_table import PriceTable
from fiscus.cost.providers import canonical_name
from fiscus.flows.answer_person import (
    budgets_for,
    cheaper_for,
    headroom_for,
    key_asked,
    person_sight,
    refusal_for,
    spend_for,
)
from fiscus.flows.cheaper_models import cheaper_models, request_amount
from fiscus.flows.spend_dimensions import WHERE, asked_from
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.decisions.intent import parse_intent
from fiscus.guardrails.doors.ai.types import VirtualKey
from fiscus.kernel.canonical import to_json
from fiscus.kernel.errors import FiscusError
from fiscus.ownership.sight import Sight

READ_ONLY: Final = ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)
INSTRUCTIONS: Final = (
    "What this company's money is doing: read before you spend. Amounts are decimals as text with their currency; "
    "`headroom` is what is left of a budget after what is billed, spent and not billed yet, held and committed. "
    "Nothing here spends, holds or changes anything."
)
Params = ParamSpec("Params")
Name = Annotated[str, Field(max_length=400)]
Answer = dict[str, Any]


def build_tools(get_ws: Callable[[], Workspace], person_id: str) -> MCPServer[Any]:
    """The server with its five tools. `person_id`: on whose behalf every question is asked; asserted, as `--as` everywhere.

    Raises NotFound for a person whom the directory does not know. Whether they are still here is looked at with each question.
    """
    person_sight(get_ws(), person_id)
    server: MCPServer[Any] = MCPServer("fiscus", title="Fiscus", instructions=INSTRUCTIONS, version=__version__)

    def asking() -> tuple[Workspace, Sight]:
        ws = get_ws()
        ws.lake.refresh()
        return ws, person_sight(ws, person_id)

    _mount_money(server, asking)
    _mount_decisions(server, asking, person_id)
    return server


def _mount_money(server: MCPServer[Any], asking: Callable[[], tuple[Workspace, Sight]]) -> None:
    @server.tool(title="What is left to spend", annotations=READ_ONLY)
    @_in_words
    def headroom(
        *,
        team: Name = "",
        environment: Name = "",
        product: Name = "",
        provider: Name = "",
        service: Name = "",
        model: Name = "",
        key: Name = "",
        user: Name = "",
    ) -> Answer:
        """What is left this moment of every budget on a team, environment, product, provider, service, model, key or end user.

        Leave out what does not matter. `key`: a virtual key of the AI gateway by its id; its team, environment and product are
        asked for with it. `covers` true: everything asked for counts against that budget.
        """
        ws, sight = asking()
        asked = {"team": team, "environment": environment, "product": product, "provider": provider, "service": service,
                 "model": model, "user": user}  # fmt: skip
        if key:
            asked = {**key_asked(sight, _keys(ws), key), **{name: value for name, value in asked.items() if value}}
        return _plain(headroom_for(ws, sight, asked))

    @server.tool(title="The budgets and where they stand", annotations=READ_ONLY)
    @_in_words
    def budgets() -> Answer:
        """The newest status of each budget: actual, unbilled, held, committed, forecast, probability of a breach."""
        return {"budgets": to_json(budgets_for(*asking()))}

    @server.tool(title="Where the money goes", annotations=READ_ONLY)
    @_in_words
    def spend_by(
        group: Name = "service_category",
        from_month: Annotated[str, Field(pattern=r"^(\d{4}-\d{2})?$")] = "",
        to_month: Annotated[str, Field(pattern=r"^(\d{4}-\d{2})?$")] = "",
        where: Annotated[dict[str, str | list[str]] | None, Field(max_length=20)] = None,
        currency: Annotated[str, Field(max_length=3)] = "",
    ) -> Answer:
        """Spend by team, environment, product, provider, service, service_category, sub_account, region, tag:KEY.

        Months are YYYY-MM, both included; without them this month. `where`: dimension -> value or values to look at only.
        """
        pairs = [("group", group), ("from", from_month), ("to", to_month), ("currency", currency)]
        for dimension, values in (where or {}).items():
            pairs += [(f"{WHERE}{dimension}", one) for one in ([values] if isinstance(values, str) else values)]
        return _plain(spend_for(*asking(), asked_from(pairs)))


def _mount_decisions(server: MCPServer[Any], asking: Callable[[], tuple[Workspace, Sight]], person_id: str) -> None:
    @server.tool(title="Why was this refused", annotations=READ_ONLY)
    @_in_words
    def why_was_i_denied(decision_id: Annotated[str, Field(min_length=5, max_length=80)]) -> Answer:
        """Why a decision (dec-..., also in the header x-fiscus-decision) was no plain yes, and what to do about it.

        `now` is what the same question would be answered this moment.
        """
        return _plain(refusal_for(*asking(), decision_id))

    @server.tool(title="A cheaper way", annotations=READ_ONLY)
    @_in_words
    def cheaper_option(
        *,
        model: Name,
        environment: Name,
        provider: Name = "",
        amount: Annotated[str, Field(description="the most that it may cost, a decimal as text", max_length=60)] = "",
        input_tokens: Annotated[int | None, Field(ge=0)] = None,
        max_tokens: Annotated[int | None, Field(ge=0, description="the most that it may answer")] = None,
        team: Name = "",
        product: Name = "",
        currency: Annotated[str, Field(min_length=3, max_length=3)] = "USD",
    ) -> Answer:
        """What would be said of an AI request, and what would be cheaper. Nothing is held by asking.

        `options`: the cheaper ways that the company's policies offer. `models`: models of the same vendor that the company uses
        already, priced for the same tokens, and only those that would be let through. State `amount`, or both numbers of tokens.
        """
        ws, sight = asking()
        tokens = None if input_tokens is None or max_tokens is None else (input_tokens, max_tokens)
        prices, at = _prices(ws, provider) if tokens else (None, "")
        if not amount and tokens and prices:
            amount = format(request_amount(prices, at, model, tokens, ws), "f")
        attributes: dict[str, object] = {"model": model, "input_tokens": input_tokens, "max_tokens": max_tokens}
        given = {
            "kind": "ai.request", "requested_by": person_id, "team": team, "environment": environment, "provider": provider,
            "product": product, "amount": amount, "currency": currency, "attributes": attributes,
        }  # fmt: skip
        told = cheaper_for(ws, sight, parse_intent(given))
        models = cheaper_models(ws, prices, at, told.intent, tokens) if tokens and prices else ()
        return {**_plain(told), "models": to_json(models)}


def _keys(ws: Workspace) -> Sequence[VirtualKey]:
    from fiscus.app.gateway import open_keys_of

    keys = open_keys_of(ws.home)
    try:
        return keys.everything()
    finally:
        keys.close()


def _prices(ws: Workspace, provider: str) -> tuple[PriceTable, str]:
    """The price table, and what it calls this provider: as the gateway's upstreams say, else as vendors are known."""
    from fiscus.app.ai_prices import load_ai_prices
    from fiscus.app.gateway_settings import KNOWN
    from fiscus.app.settings import load_settings

    name = canonical_name(provider)
    configured = {one.provider: one.prices for one in load_settings(ws.home).gateway.upstreams.values()}
    known = {one["provider"]: one["prices"] for one in KNOWN.values()}
    return load_ai_prices(ws.home), configured.get(name) or known.get(name) or provider.casefold()


def _in_words(tool: Callable[Params, Answer]) -> Callable[Params, Answer]:
    """What Fiscus refuses comes to the assistant in words that say what to do; everything else is a fault, and hidden."""

    @wraps(tool)
    def asked(*args: Params.args, **kwargs: Params.kwargs) -> Answer:
        try:
            return tool(*args, **kwargs)
        except FiscusError as refused:
            raise ToolError(str(refused)) from refused

    return asked


def _plain(shown: object) -> Answer:
    return cast("Answer", to_json(shown))
