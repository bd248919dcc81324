"""Who acts. Until sign-in exists, a name is asserted, not proven, and the record says so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Actor:
    """A person (directory id) or the product itself (`fiscus`). `link`: holds a signed link that was mailed to that person."""

    person_id: str
    proof: Literal["asserted", "system", "link"] = "asserted"


FISCUS = Actor("fiscus", "system")
