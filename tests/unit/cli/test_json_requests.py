"""JSON that is asked with: the command line takes what the API takes, and neither guesses which of two values was meant."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from fiscus.__main__ import command_line
from fiscus.kernel.errors import BadInput
from fiscus.kernel.strict_json import read_json

INTENT = {
    "kind": "resource.provision",
    "requested_by": "ana.silva",
    "environment": "dev",
    "amount": "7.00",
    "currency": "USD",
}
PURCHASE = {
    "requested_by": "ana.silva", "environment": "prod", "vendor": "VectorForge Inc.", "product": "Idx", "channel": "direct",
    "amount": "1500.00", "billing": "monthly", "currency": "USD", "term_months": 12,
}  # fmt: skip
COMMITMENT = {
    "requested_by": "ana.silva", "environment": "prod", "provider": "AWS", "commitment_kind": "savings_plan", "term_months": 12,
    "payment_option": "no_upfront", "hourly_commitment": "1.00", "discount_percent": 28, "currency": "USD",
}  # fmt: skip
ASKS = {
    "decide {file}": INTENT,
    "policy explain marketplace-purchase-order --intent {file}": INTENT,
    "request purchase {file}": PURCHASE,
    "request commitment {file}": COMMITMENT,
    "purchases record {file} --as ana.silva": PURCHASE,
}


def _run(command: str) -> int:
    return command_line()(shlex.split(command), result_action="return_value")


@pytest.mark.parametrize("command", ASKS)
def test_a_key_that_stands_twice_is_refused_and_named(home: Path, command: str, capsys) -> None:
    file = home / "asked.json"
    file.write_text(json.dumps(ASKS[command])[:-1] + ', "currency": "EUR"}')
    assert _run(f"{command.format(file=file)} --home {home}") == 2
    assert "'currency' stands twice in one object" in capsys.readouterr().err


@pytest.mark.parametrize("command", ASKS)
def test_money_is_no_float(home: Path, command: str, capsys) -> None:
    file, asked = home / "asked.json", ASKS[command]
    field = "hourly_commitment" if "hourly_commitment" in asked else "amount"
    file.write_text(json.dumps({**asked, field: 0.5}))
    assert _run(f"{command.format(file=file)} --home {home}") == 2
    assert f"{field} is a decimal as text or a whole number, not 0.5" in capsys.readouterr().err


def test_a_mark_of_the_byte_order_is_no_part_of_an_intent(home: Path, capsys) -> None:
    file = home / "asked.json"
    file.write_text("\ufeff" + json.dumps(INTENT))
    assert _run(f"decide {file} --home {home}") != 2
    file.write_text("\ufeff[")
    assert _run(f"decide {file} --home {home}") == 2
    assert "The intent is not JSON" in capsys.readouterr().err


def test_a_blank_key_is_no_name_for_a_request(home: Path, capsys) -> None:
    file = home / "asked.json"
    file.write_text(json.dumps(INTENT))
    assert _run(f"decide {file} --key ' ' --home {home}") == 2
    assert "The key is blank" in capsys.readouterr().err


def test_every_object_of_a_text_is_looked_at() -> None:
    with pytest.raises(BadInput, match="'b' stands twice"):
        read_json('[{"a": {"b": 1, "c": {}, "b": 1}}]')
    assert read_json(b'\xef\xbb\xbf{"a": [{"b": 1}, {"b": 2}]}') == {"a": [{"b": 1}, {"b": 2}]}
