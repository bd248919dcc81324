"""A record that was made quickly is the record."""

from __future__ import annotations

import copy
import pickle
from dataclasses import FrozenInstanceError, dataclass, field, fields, replace

import pytest

from fiscus.kernel.quick_records import quickly


@dataclass(frozen=True, slots=True)
class Seat:
    """A record as the rooms have them."""

    vendor: str
    months: int = 12
    tags: dict[str, str] = field(default_factory=dict)


_seat = quickly(Seat)


def test_it_is_what_the_class_makes_of_the_same_arguments() -> None:
    for made, plain in (
        (_seat("Figma"), Seat("Figma")),
        (_seat("Figma", 3, {"team": "web"}), Seat("Figma", 3, {"team": "web"})),
        (_seat(vendor="Figma", tags={"team": "web"}), Seat(vendor="Figma", tags={"team": "web"})),
    ):
        assert (type(made), made, repr(made)) == (Seat, plain, repr(plain))
        assert [getattr(made, one.name) for one in fields(made)] == [getattr(plain, one.name) for one in fields(Seat)]
        assert pickle.loads(pickle.dumps(made)) == copy.deepcopy(made) == replace(made) == plain
    assert _seat("a").tags is not _seat("b").tags


def test_it_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        _seat("Figma").vendor = "Miro"  # type: ignore[misc]  # what is refused
    with pytest.raises(TypeError):
        _seat()  # type: ignore[call-arg]  # a field is missing


def test_a_record_that_looks_at_itself_when_made_is_not_made_so() -> None:
    @dataclass(frozen=True, slots=True)
    class Checked:
        months: int

        def __post_init__(self) -> None:
            assert self.months

    with pytest.raises(AssertionError):
        quickly(Checked)
