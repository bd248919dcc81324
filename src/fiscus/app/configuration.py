"""The workspace's files, loaded as a whole or not at all."""

from __future__ import annotations

from pathlib import Path

from fiscus.app.settings import Settings, load_settings
from fiscus.flows.workspace import Configuration
from fiscus.kernel.canonical import digest
from fiscus.kernel.errors import BadConfig, Where
from fiscus.ownership.ladder import ladder_from
from fiscus.ownership.load_directory import load_directory
from fiscus.ownership.load_rules import load_rules

OWNERS = ("owners/directory.yaml", "owners/rules.yaml")


def load_configuration(home: Path) -> tuple[Settings, Configuration]:
    """Every file of `home`. Raises `BadConfig` with file, line and remedy; nothing is kept of a workspace that fails."""
    settings = load_settings(home)
    texts = {name: _text(home, name) for name in OWNERS}
    directory = load_directory(texts[OWNERS[0]], OWNERS[0])
    rules = load_rules(texts[OWNERS[1]], OWNERS[1], directory)
    return settings, Configuration(
        company=settings.company,
        sources=settings.sources,
        promoted_tags=settings.promoted_tags,
        directory=directory,
        rules=rules,
        belts=settings.belts,
        digest=digest({**texts, "fiscus.yaml": _text(home, "fiscus.yaml")}),
        ladder=ladder_from(settings.escalation),
        outcomes=settings.outcomes,
        simulated=settings.simulated,
    )


def _text(home: Path, name: str) -> str:
    path = home / name
    if not path.is_file():
        raise BadConfig(f"{name} is missing", remedy="`fiscus init` writes one to start from.", where=Where(file=name))
    return path.read_text(encoding="utf-8")
