"""Whether every charge of a lake version has its row of owners: proven once, after owners are assigned, and written down.

With that the views join owners without asking of each charge whether it has any, which costs more than the join itself. The
mark names the versions that it holds for; for any other, or where it cannot be read, nothing is assumed.
"""

from __future__ import annotations

import json
from typing import Final

from fiscus.cost.types import LakeVersion
from fiscus.stores.lake.places import Place

MARK: Final = "_owned.json"
UNASSIGNED: Final = """
SELECT 1 FROM lake_charges c WHERE NOT EXISTS (SELECT 1 FROM assignments a WHERE a.x_AssignmentKey = c.x_AssignmentKey) LIMIT 1"""


def is_whole(place: Place, version: LakeVersion) -> bool:
    """Whether the mark says so of these versions of charges and assignments."""
    try:
        said = json.loads(place.read(MARK) or b"{}")
    except (OSError, ValueError):
        return False
    return bool(said == _of(version))


def mark_whole(place: Place, version: LakeVersion) -> None:
    """Write the mark, in one step."""
    place.write(MARK, json.dumps(_of(version)).encode())


def _of(version: LakeVersion) -> dict[str, int]:
    return {"charges": version.charges, "assignments": version.assignments}
