"""The workspace's files, loaded as a whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from fiscus.app.settings import Settings, load_settings
from fiscus.flows.workspace import Configuration
from fiscus.guardrails.load_budgets import load_budgets
from fiscus.guardrails.load_policies import load_policies
from fiscus.guardrails.types import Budget
from fiscus.kernel.canonical import digest
from fiscus.kernel.errors import BadConfig, Where
from fiscus.ownership.ladder import ladder_from
from fiscus.ownership.load_directory import load_directory
from fiscus.ownership.load_rules import load_rules


def load_configuration(home: Path) -> tuple[Settings, Configuration]:
    """Every file of `home`. Raises `BadConfig` with file, line and remedy; nothing is kept of a workspace that fails."""
    settings = load_settings(home)
    directory = load_directory(*_only(home, "owners/directory.yaml"))
    rules = load_rules(*_only(home, "owners/rules.yaml"), directory)
    budgets = tuple(
        budget for file, text in _folder(home, "budgets").items() for budget in load_budgets(text, file, directory)
    )
    _refuse_twice(budgets)
    policy_texts = _folder(home, "policies")
    texts = {**_folder(home, "owners"), **_folder(home, "budgets"), **policy_texts}
    texts["fiscus.yaml"] = (home / "fiscus.yaml").read_text(encoding="utf-8")
    return settings, Configuration(
        company=settings.company,
        sources=settings.sources,
        promoted_tags=settings.promoted_tags,
        directory=directory,
        rules=rules,
        budgets=budgets,
        policies=load_policies(policy_texts, directory),
        belts=settings.belts,
        ladder=ladder_from(settings.escalation),
        outcomes=settings.outcomes,
        outcome_scopes=settings.outcome_scopes,
        digest=digest(texts),
        simulated=settings.simulated,
    )


def _folder(home: Path, name: str) -> dict[str, str]:
    """File name (relative to the workspace) to text, of every YAML file under `name`."""
    paths = sorted(path for pattern in ("*.yaml", "*.yml") for path in (home / name).rglob(pattern))
    return {str(path.relative_to(home)): path.read_text(encoding="utf-8") for path in paths}


def _only(home: Path, name: str) -> tuple[str, str]:
    path = home / name
    if not path.is_file():
        raise BadConfig(f"{name} is missing", remedy="`fiscus init` writes one to start from.", where=Where(file=name))
    return path.read_text(encoding="utf-8"), name


def _refuse_twice(budgets: Iterable[Budget], seen_as: Callable[[Budget], str] = lambda budget: budget.id) -> None:
    seen: dict[str, Budget] = {}
    for budget in budgets:
        if (other := seen.setdefault(seen_as(budget), budget)) is not budget:
            raise BadConfig(
                f"Budget {budget.id!r} stands in {other.file} line {other.line} as well",
                remedy="Rename one of the two.",
                where=Where(file=budget.file, line=budget.line),
            )
