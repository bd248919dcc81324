"""The tools as an assistant sees them: names, words and types. Each is one question of flows/answer_person.py; none writes."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any, Final, ParamSpec, cast

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import Field

from fiscus import __version__
from fiscus.flows.answer_person import (
    budgets_for,
    cheaper_for,
    headroom_for,
    person_sight,
    refusal_for,
    spend_for,
)
from fiscus.flows.spend_dimensions import WHERE, asked_from
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.decisions.intent import parse_intent
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
        team: Name = "", environment: Name = "", product: Name = "", provider: Name = "", service: Name = ""
    ) -> Answer:
        """What is left of every budget on a team, an environment, a product, a provider or a service, this moment.

        Leave out what does not matter. `covers` true: everything asked for counts against that budget.
        """
        asked = {"team": team, "environment": environment, "product": product, "provider": provider, "service": service}
        return _plain(headroom_for(*asking(), asked))

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
        amount: Annotated[str, Field(description="the most that it may cost, a decimal as text", max_length=60)],
        environment: Name,
        provider: Name = "",
        team: Name = "",
        product: Name = "",
        max_tokens: Annotated[int | None, Field(ge=0)] = None,
        currency: Annotated[str, Field(min_length=3, max_length=3)] = "USD",
    ) -> Answer:
        """What would be said of an AI request, and the cheaper ways that the company's policies offer, with their prices.

        `options` empty: nothing cheaper is known that would not be denied as well. Nothing is held by asking.
        """
        ws, sight = asking()
        attributes: dict[str, object] = {"model": model} | ({} if max_tokens is None else {"max_tokens": max_tokens})
        given = {
            "kind": "ai.request", "requested_by": person_id, "team": team, "environment": environment, "provider": provider,
            "product": product, "amount": amount, "currency": currency, "attributes": attributes,
        }  # fmt: skip
        return _plain(cheaper_for(ws, sight, parse_intent(given)))


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
