"""The workspace's files, loaded as a whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from fiscus.app.known_spellings import check_exceptions, named_freezes
from fiscus.app.settings import Settings, load_settings
from fiscus.app.workspace_text import workspace_text
from fiscus.cost.ai.load_overrides import FILE as PRICES
from fiscus.cost.ai.load_overrides import load_overrides
from fiscus.cost.allocation.load_allocations import FOLDER as ALLOCATIONS
from fiscus.cost.allocation.load_allocations import AllocationContext, load_allocations
from fiscus.cost.marketplaces.load_pairs import FILE as MARKETPLACE
from fiscus.cost.marketplaces.load_pairs import load_pairs
from fiscus.flows.known_names import KnownNames
from fiscus.flows.workspace import Configuration
from fiscus.guardrails.budgets.load_budgets import load_budgets
from fiscus.guardrails.decisions.rules import Rules
from fiscus.guardrails.doors.purchases.load_catalog import FILE as CATALOG
from fiscus.guardrails.doors.purchases.load_catalog import load_catalog
from fiscus.guardrails.ledger.types import Rulebook
from fiscus.guardrails.policies.load_policies import load_policies
from fiscus.guardrails.types import Budget, Policy
from fiscus.kernel.canonical import digest
from fiscus.kernel.documents import did_you_mean
from fiscus.kernel.errors import BadConfig, BadInput, Where
from fiscus.ownership.ladder import ladder_from
from fiscus.ownership.load_directory import load_directory
from fiscus.ownership.load_rules import load_rules
from fiscus.ownership.people import team_spellings
from fiscus.ownership.types import Directory

OWNERS = ("owners/directory.yaml", "owners/rules.yaml")


def load_configuration(home: Path) -> tuple[Settings, Configuration]:
    """Every file of `home`. Raises `BadConfig` with file, line and remedy; nothing is kept of a workspace that fails."""
    settings = load_settings(home)
    owners = {name: _text(home, name) for name in OWNERS}
    budgets, policies = _folder(home, "budgets"), _folder(home, "policies")
    catalog = {CATALOG: _text(home, CATALOG)} if (home / CATALOG).is_file() else {}
    pairs = {MARKETPLACE: _text(home, MARKETPLACE)} if (home / MARKETPLACE).is_file() else {}
    prices = {PRICES: _text(home, PRICES)} if (home / PRICES).is_file() else {}
    load_overrides(prices.get(PRICES, "prices: []"), PRICES)
    directory = load_directory(owners[OWNERS[0]], OWNERS[0])
    allocations = load_allocations(
        _folder(home, ALLOCATIONS),
        AllocationContext(lambda name: _input(home, name), team_spellings(directory), settings.company.calendar),
    )
    budget_list, policy_set = load_budgets(budgets, settings.company.calendar), load_policies(policies)
    rules = load_rules(owners[OWNERS[1]], OWNERS[1], directory)
    for item in (*budget_list, *(compiled.policy for compiled in policy_set)):
        _check_owner(item, directory)
    names = KnownNames(directory, rules, Rules(policy_set, budget_list, settings.company.calendar))
    check_exceptions(policy_set, names)
    return settings, Configuration(
        company=settings.company,
        sources=settings.sources,
        promoted_tags=settings.promoted_tags,
        directory=directory,
        rules=rules,
        belts=settings.belts,
        digest=digest(
            {
                **owners,
                **budgets,
                **policies,
                **catalog,
                **pairs,
                **prices,
                **allocations.texts,
                **allocations.inputs,
                "fiscus.yaml": _text(home, "fiscus.yaml"),
            }
        ),
        budgets=budget_list,
        policies=policy_set,
        policy_owners=policy_set.owners(),
        ladder=ladder_from(settings.escalation),
        outcomes=settings.outcomes,
        gates=settings.gates,
        simulated=settings.simulated,
        catalog=load_catalog(catalog.get(CATALOG, "")),
        marketplaces=load_pairs(pairs.get(MARKETPLACE, "")),
        pages_url=settings.pages_url,
        ai_accounts=settings.ai_accounts,
        freezes=named_freezes(settings.freezes, names, "fiscus.yaml"),
        allocations=allocations,
        reporting=settings.reporting,
        rulebook=Rulebook(
            digest([budgets, policies, settings.company.calendar]), policies, budgets, settings.company.calendar
        ),
    )


def _check_owner(item: Budget | Policy, directory: Directory) -> None:
    """Who answers for a budget, a policy or an exception must be somebody: a case has to reach them."""
    answer = [("", item.owner, item.line)]
    if isinstance(item, Policy):
        answer += [("An exception of ", exception.owner, exception.line) for exception in item.exceptions]
    for what, owner, line in answer:
        if owner not in directory.teams and owner not in directory.people:
            raise BadConfig(
                f"{what}{item.id} is owned by {owner!r}, who is no team and no person of owners/directory.yaml",
                remedy=did_you_mean(owner, [*directory.teams]),
                where=Where(file=item.file, line=line, key="owner"),
            )


def _text(home: Path, name: str) -> str:
    path = home / name
    if not path.is_file():
        raise BadConfig(f"{name} is missing", remedy="`fiscus init` writes one to start from.", where=Where(file=name))
    return workspace_text(path, name)


def _input(home: Path, name: str) -> str | None:
    """A file that an allocation rule names; None when it is not there."""
    path = home / ALLOCATIONS / name
    try:
        return path.read_text(encoding="utf-8") if path.is_file() else None
    except UnicodeDecodeError:
        where = Where(file=f"{ALLOCATIONS}/{name}")
        raise BadInput("Not a text in UTF-8", remedy="Save it as UTF-8.", where=where) from None


def _folder(home: Path, name: str) -> Mapping[str, str]:
    """Every YAML file of a folder, by its path in the workspace; a workspace may do without the folder."""
    files = sorted(path for path in (home / name).rglob("*.y*ml") if path.suffix in {".yaml", ".yml"})
    names = {path.relative_to(home).as_posix(): path for path in files}
    return {name: workspace_text(path, name) for name, path in names.items()}
