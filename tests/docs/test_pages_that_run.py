"""Programs and settings that stand in a page are run as they stand there."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from fiscus.__main__ import command_line
from fiscus.app.settings import load_settings
from fiscus.edges.envoy import authorize, serve, told
from fiscus.edges.gateway import metrics as gateway_metrics

HOW_TO = Path(__file__).resolve().parents[2] / "docs" / "how-to"


def _file(page: str, name: str) -> str:
    (text,) = re.findall(rf"```\w+ {re.escape(name)}\n(.*?)```", (HOW_TO / page).read_text("utf-8"), flags=re.DOTALL)
    return text


def _fiscus(*arguments: str) -> None:
    assert command_line()(list(arguments), result_action="return_value") in {0, None}


def test_the_assistant_of_the_page_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    _fiscus("init", "my-company")
    _fiscus("run", "--home", "my-company")
    (server,) = json.loads(_file("assistants.md", "mcp.json"))["mcpServers"].values()
    program = _file("assistants.md", "ask.py")
    for argument in server["args"]:
        assert f'"{argument}"' in program
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip().endswith(".")


def test_the_proxy_of_the_page_is_the_one_of_the_example() -> None:
    """The example's own models are more; what the page shows stands in it word by word."""
    example = yaml.safe_load((HOW_TO.parents[1] / "examples" / "litellm" / "config.yaml").read_text("utf-8"))
    page = yaml.safe_load(_file("litellm.md", "config.yaml"))
    assert page["litellm_settings"] == example["litellm_settings"]
    assert all(model in example["model_list"] for model in page["model_list"])


def test_every_setting_of_the_callback_stands_in_its_page() -> None:
    source = (HOW_TO.parents[1] / "examples" / "litellm" / "fiscus_litellm.py").read_text("utf-8")
    page = (HOW_TO / "litellm.md").read_text("utf-8")
    assert set(re.findall(r"FISCUS_[A-Z_]+", source)) == set(re.findall(r"FISCUS_[A-Z_]+", page))


def test_the_page_of_metrics_names_what_is_served_and_its_alerts_ask_for_nothing_else(tmp_path: Path) -> None:
    page = (HOW_TO / "watch-the-gateway.md").read_text("utf-8")
    served = {*gateway_metrics.ABOUT}
    named = set(re.findall(r"`(fiscus_[a-z_]+)`", page))
    assert named <= served
    short = {f"fiscus_gateway_{rest}" for rest in re.findall(r"`\.\.\.?_([a-z_]+)`", page)}
    assert short <= served
    untold = served - named - short
    assert untold <= {"fiscus_gateway_unknown_passed_total"}
    for rule in yaml.safe_load(_file("watch-the-gateway.md", "alerts.yaml"))["groups"][0]["rules"]:
        assert set(re.findall(r"fiscus_[a-z_]+", rule["expr"])) <= served


def test_the_collector_of_the_page_is_one_that_a_workspace_may_name(tmp_path: Path) -> None:
    _fiscus("init", str(tmp_path / "home"))
    with (tmp_path / "home" / "fiscus.yaml").open("a", encoding="utf-8") as file:
        file.write(_file("watch-the-gateway.md", "telemetry.yaml"))
    settings = load_settings(tmp_path / "home").telemetry
    assert settings is not None
    assert (settings.endpoint, settings.service) == ("http://127.0.0.1:4318", "ai-gateway")


def test_what_the_page_of_envoy_says_to_write_is_what_is_read() -> None:
    page = (HOW_TO / "envoy.md").read_text("utf-8")
    assert set(re.findall(r"context_extensions: \{(\w+)", page)) == {told.UPSTREAM, told.CREDENTIALS}
    example = (HOW_TO.parents[1] / "examples" / "envoy" / "envoy.yaml").read_text("utf-8")
    assert authorize.CALL in page
    assert f"request_headers_to_remove: [{authorize.CALL}]" in example
    for name in re.findall(r"`(fiscus_envoy_[a-z_]+)", page):
        assert name in serve.ABOUT
