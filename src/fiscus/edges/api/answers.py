"""What every route of the API shares: who acts, JSON in, JSON out, the one shape of an error."""

from __future__ import annotations

from typing import Any

from fastapi import BackgroundTasks, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from fiscus.edges.api.description import schema_later
from fiscus.kernel.canonical import to_json
from fiscus.kernel.errors import BadInput, Where
from fiscus.kernel.strict_json import read_json

JSON_TYPE = "application/json"


class Act(BaseModel):
    """Who acts (a person of the directory, asserted) and what they say about it."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    person: str = Field(alias="as", min_length=1, max_length=200)
    note: str = Field("", max_length=2000)


class Fault(BaseModel):
    """What went wrong, where, and what to do about it."""

    code: str
    message: str
    where: dict[str, str | int]
    remedy: str


class Refusal(BaseModel):
    """The one shape of every error."""

    error: Fault


async def json_only(request: Request) -> None:
    """A body is JSON and says so: a page of another site cannot send that without asking the browser first.

    No key may stand twice in it.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON_TYPE:
        raise BadInput("The body must be JSON", remedy=f"Send it with Content-Type: {JSON_TYPE}.")
    try:
        read_json(await request.body())  # FastAPI has read it by now, and took the last of two keys
    except (ValueError, RecursionError):  # no JSON, or none at all where none is asked for: FastAPI says so
        return


def asked_with(body: dict[str, Any]) -> tuple[object, str]:
    """(intent, approval id) of a body that is the intent itself, or holds it beside the approval that it comes with."""
    if "intent" not in body:
        return body, ""
    if unknown := sorted({*body} - {"intent", "approval_id"}):
        raise BadInput(
            f"{unknown[0]!r} does not stand beside an intent",
            remedy="Known: intent, approval_id.",
            where=Where(key=unknown[0]),
        )
    approval_id = body.get("approval_id") or ""
    if not isinstance(approval_id, str) or len(approval_id) > 80:
        raise BadInput(
            "approval_id is a text such as apr-...", remedy="Put it in quotes.", where=Where(key="approval_id")
        )
    return body["intent"], approval_id


def of(model: type) -> dict[int | str, dict[str, Any]]:
    """What a route answers: the read model itself, whose dataclasses are the schema, or a refusal."""
    return {
        200: {"description": "What stands now", "content": schema_later(model)},
        "4XX": {"description": "Refused", "content": schema_later(Refusal)},
    }


def answered(shown: object, later: BackgroundTasks | None = None) -> JSONResponse:
    """`shown` as JSON; `later` is done once it was sent."""
    return JSONResponse(to_json(shown), headers={"Cache-Control": "no-store"}, background=later)
