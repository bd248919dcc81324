"""What belongs together in a policy stands together: what JSON Schema cannot say, with its line and what to write instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fiscus.guardrails.types import INTENT_KINDS
from fiscus.kernel.documents import Document, Path

_NOT_OF_A_DETECTOR: Final = (
    "on", "when", "effect", "window_days", "days_min", "tests", "options", "approval", "exceptions",
)  # fmt: skip
_OF_INTENTS: Final = ("degrade", "require_approval", "deny")
_ACTED_ON: Final = ("charge", "resource")


def check_shape(document: Document, path: Path, item: Mapping[str, Any]) -> None:
    """Raises BadConfig for the first thing that stands alone or beside what it contradicts."""
    if "detector" in item:
        for key in _NOT_OF_A_DETECTOR:
            if key in item:
                raise document.error((*path, key), f"A detector has no {key}", "Take it out, or use a condition.")
        return
    for key in ("on", "when"):
        if key not in item:
            raise document.error(path, f"The policy {item['id']} has no {key}", f"Write {key}, or name a detector.")
    if "settings" in item:
        raise document.error((*path, "settings"), "Only a detector has settings", "Put the bounds into the condition.")
    _check_conditions(document, path, item)
    _check_effect(document, path, item)


def _check_conditions(document: Document, path: Path, item: Mapping[str, Any]) -> None:
    when, targets = item["when"], item["on"]
    if isinstance(when, str):
        return
    for target in when:
        if target not in targets:
            raise document.error(
                (*path, "when", target), f"The policy does not judge {target}", "Name it in on as well."
            )
    for target in targets:
        if target not in when:
            raise document.error((*path, "when"), f"There is no condition for {target}", f"Write {target}: under when.")


def _check_effect(document: Document, path: Path, item: Mapping[str, Any]) -> None:
    asks = [target for target in item["on"] if target in INTENT_KINDS]
    effect = item.get("effect")
    if asks and effect is None:
        message = f"The policy judges {asks[0]} and does not say what a match asks for"
        raise document.error(path, message, "Write effect: warn, degrade, require_approval or deny.")
    if effect in _OF_INTENTS and not asks:
        message = f"What is spent cannot be asked to {effect.replace('_', ' ')}"
        raise document.error((*path, "effect"), message, "Write effect: warn, allow or act, or judge an intent.")
    if effect == "act" and asks:
        message = f"There is nothing to act on before {asks[0]} is there"
        raise document.error((*path, "effect"), message, "Judge what is observed, in a policy of its own.")
    if (effect == "act") > ("action" in item):
        raise document.error((*path, "effect"), "effect: act names no action", "Write action: aws.ec2.stop.")
    if "action" in item and (effect not in {None, "act"} or not set(item["on"]) & set(_ACTED_ON)):
        message = f"An action goes with effect: act, on {' or '.join(_ACTED_ON)}"
        raise document.error((*path, "action"), message, "Take it out, or write effect: act.")
    if (effect == "degrade") > ("options" in item):
        raise document.error(
            (*path, "effect"), "effect: degrade offers nothing", "Write options, each with its change."
        )
    for key in ("options", "approval"):
        if key in item and not asks:
            raise document.error((*path, key), f"{key} are of intents, and the policy judges none", "Take it out.")
