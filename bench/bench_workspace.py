"""The workspace on which the whole loop is measured: forty teams, a budget for each and one for all, the library's policies."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from fiscus.app.start import write_policies

TEAMS: Final = 40
AS_OF: Final = "2025-12-20"

SETTINGS: Final = """version: 1
company: {{name: Northwind, currency: USD, fiscal_year_start: 2}}
as_of: {as_of}
sources: [{{name: aws, paths: [inbox/aws]}}]
promoted_tags: [team, environment, product, cost-centre]
notify:
  smtp: {{host: 127.0.0.1, port: {port}, from: fiscus@northwind.example}}
"""
RULES: Final = """environment: {tags: [environment], names: {}}
product: {tags: [product]}
rules:
  - {id: tag-team, match: {"tag:team": ["*"]}, team: "{tag:team}"}
"""


def write_workspace(home: Path, bills: Path, monthly: int, mail_port: int) -> None:
    """Write a workspace at `home` whose inbox is the folder `bills`. `monthly`: what the company is meant to spend a month."""
    people = "".join(
        f"  - {{id: p{n}, name: Person {n}, email: p{n}@northwind.example, team: team-{n}, manager: chief}}\n"
        for n in range(TEAMS)
    )
    teams = "".join(f"  - {{id: team-{n}, name: Team {n}, lead: p{n}, cost_centre: CC-{n}}}\n" for n in range(TEAMS))
    budgets = "".join(
        f"  - {{id: team-{n}, title: Team {n}, scope: {{team: team-{n}}}, period: month, currency: USD, "
        f"amount: {max(1, monthly // TEAMS)}, owner: team-{n}}}\n"
        for n in range(TEAMS)
    )
    texts = {
        "fiscus.yaml": SETTINGS.format(as_of=AS_OF, port=mail_port),
        "owners/directory.yaml": "default_pool: finops\npeople:\n"
        "  - {id: chief, name: Chief, email: chief@northwind.example, team: finops, roles: [finops]}\n"
        f"{people}teams:\n  - {{id: finops, name: FinOps, lead: chief, cost_centre: CC-900}}\n{teams}",
        "owners/rules.yaml": RULES,
        "budgets/budgets.yaml": "budgets:\n  - {id: everything, title: All spend, scope: {}, period: year, currency: USD, "
        f"amount: {max(1, monthly * 12)}, owner: finops}}\n{budgets}",
    }
    for name, text in texts.items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    write_policies(home)
    (home / "inbox").mkdir(exist_ok=True)
    (home / "inbox" / "aws").symlink_to(bills, target_is_directory=True)
