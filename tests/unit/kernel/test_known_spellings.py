"""Freezes and exceptions that name what nothing is called are refused with file and line, and never just off."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.policy_text import policy, policy_text

from fiscus.app.configuration import load_configuration
from fiscus.kernel.errors import BadConfig


def _frozen(home: Path, environments: str) -> tuple[str, ...]:
    text = f"freezes:\n  - name: bf\n    from: 2026-11-27\n    until: 2026-11-28\n    environments: {environments}\n"
    settings = home / "fiscus.yaml"
    settings.write_text(settings.read_text() + text)
    (freeze,) = load_configuration(home)[1].freezes
    return freeze.environments


def test_a_freeze_says_any_spelling_of_an_environment(home: Path) -> None:
    assert _frozen(home, "[development, PRD, test]") == ("dev", "prod", "test")


def test_a_freeze_of_an_environment_that_is_none_is_refused(home: Path) -> None:
    with pytest.raises(BadConfig, match="'prdo' is no environment, so the freeze 'bf' is never on") as refused:
        _frozen(home, "[dev, prdo]")
    line = (home / "fiscus.yaml").read_text().splitlines().index("    environments: [dev, prdo]") + 1
    assert refused.value.where is not None
    assert (refused.value.where.file, refused.value.where.line) == ("fiscus.yaml", line)
    assert "Did you mean prod?" in refused.value.remedy


def test_a_company_that_names_no_environment_freezes_any(home: Path) -> None:
    (home / "owners" / "rules.yaml").write_text("rules: []\n")
    for file in (home / "budgets").glob("*.yaml"):
        file.write_text("budgets: []\n")
    assert _frozen(home, "[Anywhere]") == ("anywhere",)


def _load(home: Path, on: str, when: str, exception: dict[str, Any]) -> None:
    own = {"owner": "finops", "reason": "Agreed.", "until": "2027-12-31", **exception}
    text = policy_text(policy("own", on=[on], when=when, level="soft", effect="warn", exceptions=[own]))
    (home / "policies" / "own.yaml").write_text(text)
    load_configuration(home)


PROVISION = ("resource.provision", 'intent.region == "mars"')
CHARGE = ("charge", 'charge.RegionId == "mars"')


@pytest.mark.parametrize(
    ("of", "exception", "says"),
    [
        (PROVISION, {"match": {"environment": "development"}}, "Write dev:"),
        (PROVISION, {"match": {"environment": ["prod", "Staging"]}}, "Write staging:"),
        (PROVISION, {"match": {"environment": "prdo"}}, "'prdo' is no environment, and an exception of own asks for it"),
        (PROVISION, {"match": {"team": "plat"}}, "Write platform:"),
        (PROVISION, {"match": {"requester.team": "Platform"}}, "Write platform:"),
        (PROVISION, {"match": {"team": "platfrom"}}, "'platfrom' is no team"),
        (PROVISION, {"match": {"provider": "amazon web services"}}, "Write AWS:"),
        (PROVISION, {"match": {"product": "Web"}}, "Write web:"),
        (PROVISION, {"match": {"requested_by": "ana.silva@example.com"}}, "Write ana.silva:"),
        (PROVISION, {"when": 'intent.environment == "development"'}, "Write dev:"),
        (CHARGE, {"match": {"environment": "development"}}, "Write dev:"),
        (CHARGE, {"match": {"team": "plat"}}, "Write platform:"),
    ],
)  # fmt: skip
def test_an_exception_of_what_is_called_otherwise_is_refused(
    home: Path, of: tuple[str, str], exception: dict[str, Any], says: str
) -> None:
    with pytest.raises(BadConfig) as refused:
        _load(home, *of, exception)
    assert says in str(refused.value)
    assert "policies/own.yaml, line" in str(refused.value)


@pytest.mark.parametrize(
    ("of", "match"),
    [
        (PROVISION, {"environment": ["dev", "development"], "team": "platform", "provider": "AWS", "product": "web"}),
        (PROVISION, {"requested_by": ["ana.silva", "long.gone"], "service": "AmazonEC2", "region": "eu-west-1"}),
        (CHARGE, {"environment": "unknown", "team": "unowned", "product": "web"}),
    ],
)  # fmt: skip
def test_an_exception_of_what_is_called_so_is_not(home: Path, of: tuple[str, str], match: dict[str, Any]) -> None:
    _load(home, *of, {"match": match})
