"""The pipelines of examples/: valid by the published schemas, free of injection, and run as a runner would run their scripts."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from tests.fixtures.effort import sampled
from tests.fixtures.gates import created, planned

REPO = Path(__file__).resolve().parents[2]
ACTION = REPO / "examples" / "github-action" / "action.yml"
GITLAB = REPO / "examples" / "gitlab" / "fiscus.gitlab-ci.yml"


def _vendor(name: str) -> dict[str, Any]:
    return json.loads(files("check_jsonschema.builtin_schemas.vendor").joinpath(f"{name}.json").read_text("utf-8"))


@pytest.mark.parametrize(
    ("path", "schema"),
    [
        (ACTION, "github-actions"),
        (ACTION.with_name("workflow.yml"), "github-workflows"),
        (GITLAB, "gitlab-ci"),
    ],
    ids=["action", "workflow", "gitlab"],
)
def test_a_pipeline_is_valid_by_its_vendors_schema(path: Path, schema: str) -> None:
    data = yaml.safe_load(path.read_text("utf-8"))
    data = {"on" if key is True else key: value for key, value in data.items()}  # YAML 1.1 reads the key `on` as true
    published = _vendor(schema)
    jsonschema.validators.validator_for(published)(published).validate(data)


def test_no_input_reaches_a_shell_but_through_its_environment() -> None:
    steps = yaml.safe_load(ACTION.read_text("utf-8"))["runs"]["steps"]
    assert not [step for step in steps if "${{" in step.get("run", "")]


def test_the_workflow_gives_the_action_only_inputs_that_it_has() -> None:
    workflow = yaml.safe_load(ACTION.with_name("workflow.yml").read_text("utf-8"))
    steps = workflow["jobs"]["gate"]["steps"]
    given = next(step["with"] for step in steps if step.get("uses", "").endswith("fiscus-gate"))
    assert set(given) <= set(yaml.safe_load(ACTION.read_text("utf-8"))["inputs"])


def _judge(folder: Path, home: Path, resource: Any) -> dict[str, str]:
    """The action's step `Judge`, run by bash as GitHub runs it; its outputs."""
    steps = yaml.safe_load(ACTION.read_text("utf-8"))["runs"]["steps"]
    script = next(step["run"] for step in steps if step.get("id") == "gate")
    (folder / "plan.json").write_text(json.dumps(planned(resource), default=str))
    (folder / "outputs").touch()
    environment = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "PLAN": "plan.json", "FISCUS_HOME": str(home),
        "ASKS": "ana.silva", "ENVIRONMENT": "", "TEAM": "", "TICKET": "", "REPOSITORY": "acme/$(touch pwned)",
        "GITHUB_OUTPUT": "outputs", "GITHUB_STEP_SUMMARY": "summary.md",
    }  # fmt: skip
    subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=folder,
        env=environment,
        check=True,
        capture_output=True,
    )
    return dict(line.split("=", 1) for line in (folder / "outputs").read_text().splitlines())


@pytest.mark.parametrize(
    ("tags", "code", "verdict"),
    sampled(
        [({"environment": "prod"}, "4", "deny"), ({"team": "platform", "environment": "prod"}, "0", "allow")], every=2
    ),
)
def test_the_action_writes_its_reports_and_keeps_the_exit_code_for_its_last_step(
    home: Path, tmp_path: Path, tags: dict[str, str], code: str, verdict: str
) -> None:
    outputs = _judge(tmp_path, home, created("aws_ebs_volume", size=10, type="gp3", tags=tags, tags_all=tags))
    assert outputs == {"verdict": verdict, "code": code}
    assert json.loads((tmp_path / "fiscus.sarif").read_text())["version"] == "2.1.0"
    assert (tmp_path / "summary.md").read_text().startswith("<!-- fiscus gate terraform -->")
    assert not (tmp_path / "pwned").exists()


class _Notes(BaseHTTPRequestHandler):
    """The notes of one merge request, as GitLab serves them, a hundred a page."""

    notes: list[dict[str, Any]]

    def log_message(self, *_: Any) -> None: ...

    def _answer(self, value: object) -> None:
        data = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _body(self) -> str:
        assert self.headers["PRIVATE-TOKEN"] == "glpat-test"
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))["body"]

    def do_GET(self) -> None:
        page = int(re.search(r"&page=(\d+)", self.path)[1])
        self._answer(self.notes[(page - 1) * 100 : page * 100])

    def do_POST(self) -> None:
        self.notes.append({"id": len(self.notes), "body": self._body()})
        self._answer({})

    def do_PUT(self) -> None:
        self.notes[int(self.path.rpartition("/")[2])]["body"] = self._body()
        self._answer({})


@contextmanager
def _gitlab(notes: list[dict[str, Any]]) -> Iterator[str]:
    handler = type("Notes", (_Notes,), {"notes": notes})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/api/v4"
        server.shutdown()
        thread.join()


def _post(folder: Path, api: str, text: str) -> subprocess.CompletedProcess[str]:
    (folder / "fiscus.md").write_text(text)
    environment = {
        "CI_API_V4_URL": api,
        "CI_PROJECT_ID": "7",
        "CI_MERGE_REQUEST_IID": "3",
        "FISCUS_GITLAB_TOKEN": "glpat-test",
    }
    command = [sys.executable, str(REPO / "examples" / "gitlab" / "post_note.py"), "fiscus.md"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)


def test_a_merge_request_has_one_note_however_often_it_is_judged(tmp_path: Path) -> None:
    notes = [{"id": n, "body": "by a person"} for n in range(150)]
    with _gitlab(notes) as api:
        assert _post(tmp_path, api, "<!-- fiscus gate terraform -->\nfirst").stdout == "note written\n"
        assert _post(tmp_path, api, "<!-- fiscus gate terraform -->\nsecond").stdout == "note replaced\n"
    assert [note["body"] for note in notes if "fiscus" in note["body"]] == ["<!-- fiscus gate terraform -->\nsecond"]


def test_a_gitlab_that_is_gone_fails_only_the_note(tmp_path: Path) -> None:
    assert "could not be written" in _post(tmp_path, "http://127.0.0.1:9/api/v4", "x").stderr
