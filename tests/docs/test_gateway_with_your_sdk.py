"""Each example of docs/how-to/gateway-with-your-sdk.md is run as it stands: the vendors' own clients, a real gateway."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest
from tests.fixtures.gateways import Gateway, gateway_home, new_key, running_gateway
from tests.fixtures.vendor_clients import ASKED, KEY, openai_client

from fiscus.connectors.simulated_ai.server import LocalAi

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "gateway-with-your-sdk.md"
SETTING, *EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), flags=re.DOTALL)


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    with LocalAi() as ai:
        home = gateway_home(tmp_path_factory.mktemp("sdk") / "home", ai)
        key = new_key(home, "prod")
        with running_gateway(home) as running:
            running.keys["prod"] = key
            yield running


@pytest.mark.parametrize("example", EXAMPLES, ids=range(1, len(EXAMPLES) + 1))
def test_an_example_works_as_it_stands(
    gateway: Gateway, example: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FISCUS_GATEWAY", gateway.url)
    monkeypatch.setenv("FISCUS_KEY", gateway.key())
    exec(compile(SETTING + example, str(PAGE), "exec"), {})
    assert capsys.readouterr().out.strip()


def test_the_vendors_own_key_and_no_key_are_told_apart_from_one_of_the_gateway(gateway: Gateway) -> None:
    for key in (KEY, "none"):
        with pytest.raises(openai.AuthenticationError):
            openai_client(gateway.base("openai"), key).chat.completions.create(model="gpt-5-mini", messages=ASKED)
