"""The fields of a multipart form, read only as far as they are needed: small texts, and one file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from fiscus.kernel.errors import BadInput

PARTS_MAX: Final = 100
TEXT_BYTES_MAX: Final = 1_000_000
_BOUNDARY: Final = re.compile(r'boundary=(?:"([^"]{1,70})"|([^;\s]{1,70}))', re.IGNORECASE)
_NAME: Final = re.compile(rb'[;\s]name="([^"\r\n]*)"', re.IGNORECASE)
_FILE: Final = re.compile(rb"[;\s]filename\*?=", re.IGNORECASE)


@dataclass(slots=True)
class Form:
    """`texts`: name -> value; `files`: name -> contents, in their order."""

    texts: dict[str, str] = field(default_factory=dict)
    files: dict[str, list[bytes]] = field(default_factory=dict)


def read_form(body: bytes, content_type: str) -> Form:
    """The form in `body`. Raises BadInput: no multipart, no end, a field twice (readers differ on which one counts)."""
    found = _BOUNDARY.search(content_type)
    if not content_type.lower().startswith("multipart/form-data") or found is None:
        raise BadInput("The body is no multipart form", remedy="Send it as multipart/form-data.")
    mark = b"--" + (found[1] or found[2]).encode("latin-1", "replace")
    pieces = (b"\r\n" + body).split(b"\r\n" + mark)
    if len(pieces) > PARTS_MAX or not pieces[-1].startswith(b"--"):
        raise BadInput("The form is cut off, or has too many parts", remedy="Send it whole.")
    form = Form()
    for piece in pieces[1:-1]:
        head, gap, content = piece.partition(b"\r\n\r\n")
        name = _NAME.search(head)
        if not gap or name is None:
            raise BadInput("A part of the form has no name", remedy="Name every part.")
        _take(form, name[1].decode("utf-8", "replace"), content, is_file=_FILE.search(head) is not None)
    return form


def _take(form: Form, name: str, content: bytes, *, is_file: bool) -> None:
    if is_file:
        form.files.setdefault(name, []).append(content)
        return
    if len(content) > TEXT_BYTES_MAX:
        raise BadInput(f"`{name}` is too long", remedy="Send it as a file.")
    text = content.decode("utf-8", "replace")
    if name in form.texts and not name.endswith("[]"):
        raise BadInput(f"`{name}` stands in the form twice", remedy="Send it once.")
    form.texts[name] = f"{form.texts[name]}\n{text}" if name in form.texts else text


def number_in(fields: Mapping[str, str], name: str, most: int) -> int | None:
    """The whole number in a field; None where it is not there. Raises BadInput for anything else."""
    text = fields.get(name)
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:12]) <= most:
        raise BadInput(f"`{name}` is no whole number from 1 to {most}", remedy="Send a whole number.")
    return int(text)
