"""What fiscus.yaml says about gates: all of it optional, exact, and refused by name and line."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from fiscus.app.settings import load_settings
from fiscus.guardrails.doors.gate_settings import GateSettings, NamespaceMap, NodeRates
from fiscus.kernel.errors import BadConfig

REFERENCE = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "kubernetes.md"


def _settings(home: Path, gates: str) -> GateSettings:
    text = (home / "fiscus.yaml").read_text("utf-8")
    (home / "fiscus.yaml").write_text(f"{text}\n{gates}", encoding="utf-8")
    return load_settings(home).gates


def test_a_workspace_that_says_nothing_has_the_defaults(home: Path) -> None:
    assert _settings(home, "") == GateSettings()


def test_what_the_how_to_shows_loads_and_is_exact(home: Path) -> None:
    example = REFERENCE.read_text("utf-8").split("```yaml gates.yaml\n")[1].split("```")[0]
    assert yaml.safe_load(example)["gates"]
    kubernetes = _settings(home, example).kubernetes
    assert kubernetes.rates == NodeRates(Decimal("0.0316"), Decimal("0.0042"), Decimal("2.9"), "USD")
    assert kubernetes.namespaces["payments"] == NamespaceMap("platform", "prod", "shop")
    assert kubernetes.failure_policy == "Ignore"


def test_every_setting_is_read(home: Path) -> None:
    gates = _settings(
        home,
        "gates: {price_days: 14, hours_per_month: 720.5, on_unpriced: deny, autoscaling: min, regions: {AWS: eu-west-1}, "
        "kubernetes: {failure_policy: Fail, job_hours: 2, daemon_nodes: 9}}",
    )
    assert (gates.price_days, gates.hours_per_month, gates.on_unpriced) == (14, Decimal("720.5"), "deny")
    assert (gates.autoscaling, gates.regions) == ("min", {"AWS": "eu-west-1"})
    assert (gates.kubernetes.failure_policy, gates.kubernetes.job_hours, gates.kubernetes.daemon_nodes) == (
        "Fail",
        2,
        9,
    )


@pytest.mark.parametrize(
    ("gates", "says"),
    [
        ("gates: {on_unprised: warn}", "on_unpriced"),
        ("gates: {on_unpriced: ignore}", "warn"),
        ("gates: {hours_per_month: 0}", "a number above 0"),
        ("gates: {price_days: 0}", "30"),
        ("gates: {kubernetes: {failure_policy: ignore}}", "Ignore"),
        ("gates: {kubernetes: {rates: {cpu_hour: 1, currency: USD}}}", "memory_gib_hour"),
    ],
)
def test_what_is_wrong_is_refused_with_its_line(home: Path, gates: str, says: str) -> None:
    with pytest.raises(BadConfig) as refused:
        _settings(home, gates)
    assert refused.value.where is not None
    assert refused.value.where.line
    assert says in f"{refused.value.message} {refused.value.remedy}"
