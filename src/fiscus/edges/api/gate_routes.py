"""/api/gate: one verdict on a change before it is applied, for tools that ask over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from pydantic import BaseModel, ConfigDict, Field

from fiscus.edges.api.answers import answered, json_only, of
from fiscus.flows.gate_terraform import gate_terraform
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.doors.terraform.judge import GateAsked
from fiscus.guardrails.doors.terraform.plan import parse_plan
from fiscus.guardrails.doors.terraform.report import GateReport
from fiscus.guardrails.doors.terraform.show_markdown import gate_markdown
from fiscus.guardrails.doors.terraform.show_sarif import gate_sarif
from fiscus.guardrails.doors.terraform.show_text import gate_text

Form = Literal["json", "sarif", "markdown", "text"]


class PlanAsked(BaseModel):
    """A plan as `terraform show -json` writes it, with who asks, for whom and why."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    plan: dict[str, Any]
    person: str = Field(alias="as", min_length=1, max_length=200)
    environment: str = Field("", max_length=200)
    team: str = Field("", max_length=200)
    ticket: str = Field("", max_length=400)
    repository: str = Field("", max_length=400)
    file: str = Field("", max_length=400)
    hold: bool = False


def mount_gates(router: APIRouter, get_ws: Callable[[], Workspace]) -> None:
    """Add the routes to `router`, which stands at /api."""

    @router.post(
        "/gate/terraform",
        responses=of(GateReport),
        summary="Judge a Terraform plan: json, sarif, markdown or text",
        dependencies=[Depends(json_only)],
    )
    def terraform(asked: PlanAsked, form: Annotated[Form, Query(alias="format")] = "json") -> Response:
        who = GateAsked(asked.person, asked.environment, asked.team, asked.ticket, asked.repository, asked.file)
        report = gate_terraform(get_ws(), parse_plan(asked.plan, asked.file), who, hold=asked.hold)
        if form == "json":
            return answered(report)
        if form == "sarif":
            return JSONResponse(gate_sarif(report), headers={"Cache-Control": "no-store"})
        text = gate_markdown(report) if form == "markdown" else gate_text(report)
        return PlainTextResponse(text, headers={"Cache-Control": "no-store", "X-Fiscus-Verdict": report.verdict})
