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
