"""A door that needs more than the product itself says what brings it."""

from __future__ import annotations

from pathlib import Path

import pytest

from fiscus.__main__ import command_line
from fiscus.app import extras
from fiscus.app.extras import needs
from fiscus.kernel.errors import Unavailable


def test_what_is_installed_is_there() -> None:
    needs("mcp", "mcp", "google.protobuf")


def test_what_is_not_installed_says_which_extra_brings_it() -> None:
    with pytest.raises(Unavailable, match=r"pip install 'fiscus\[envoy\]'"):
        needs("envoy", "no_such_package", "no_such_package.inside")


@pytest.mark.parametrize(("command", "extra"), [("mcp --as ana.silva", "mcp"), ("envoy", "envoy")])
def test_a_command_without_its_extra_ends_with_three_lines(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: str, extra: str
) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    assert command_line()([*command.split(), "--home", str(home)], result_action="return_value") == 2
    said = capsys.readouterr().err
    assert f"pip install 'fiscus[{extra}]'" in said
