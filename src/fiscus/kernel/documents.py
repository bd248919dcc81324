"""Workspace files: YAML text to plain data that remembers its lines, checked against a published JSON Schema.

A document is loaded whole or not at all; an error names file, line, the value at fault and the remedy. Anchors and aliases
are allowed (bounded by YAML node count), tags and duplicate keys are not.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

import jsonschema
import yaml

from fiscus.kernel.errors import BadConfig, Where
from fiscus.kernel.limits import DOCUMENT_BYTES_MAX, DOCUMENT_DEPTH_MAX

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """`data` is plain dicts, lists and scalars; `line(path)` is the 1-based line of a value in `file`."""

    file: str
    data: object
    lines: Mapping[Path, int]

    def line(self, path: Sequence[str | int]) -> int:
        """The line of the nearest enclosing value that has one."""
        for length in range(len(path), -1, -1):
            if (found := self.lines.get(tuple(path[:length]))) is not None:
                return found
        return 1

    def error(self, path: Sequence[str | int], message: str, remedy: str) -> BadConfig:
        """A BadConfig that points at `path`; the caller raises it."""
        key = ".".join(str(part) for part in path) or None
        return BadConfig(message, remedy=remedy, where=Where(file=self.file, line=self.line(path), key=key))


def load_document(text: str, file: str, schema: Mapping[str, object]) -> Document:
    """Parse and check `text`. Raises `BadConfig` with the line of the first fault (in file order)."""
    if len(text.encode()) > DOCUMENT_BYTES_MAX:
        raise BadConfig(
            f"The file is larger than {DOCUMENT_BYTES_MAX:,} bytes", remedy="Split it.", where=Where(file=file)
        )
    try:
        node = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as broken:
        mark = broken.problem_mark or broken.context_mark
        where = Where(file=file, line=mark.line + 1 if mark else None)
        raise BadConfig(f"Not valid YAML: {broken.problem}", remedy="Mend the line shown.", where=where) from None
    except yaml.YAMLError as broken:
        raise BadConfig(
            f"Not valid YAML: {broken}", remedy="Save the file as UTF-8 text.", where=Where(file=file)
        ) from None
    lines: dict[Path, int] = {(): 1}
    data = _plain(node, (), lines, file) if node is not None else {}
    document = Document(file, data, lines)
    faults = sorted(
        jsonschema.Draft202012Validator(schema).iter_errors(data),
        key=lambda fault: document.line(list(fault.absolute_path)),
    )
    if faults:
        raise _schema_error(document, jsonschema.exceptions.best_match([faults[0]]) or faults[0])
    return document


def did_you_mean(name: str, known: Sequence[str]) -> str:
    """' Did you mean X?' or a list of what is known; for remedies."""
    close = difflib.get_close_matches(name, known, n=1)
    return f"Did you mean {close[0]}?" if close else f"Known: {', '.join(sorted(known))}."


def _plain(node: yaml.Node, path: Path, lines: dict[Path, int], file: str) -> object:
    here = Where(file=file, line=node.start_mark.line + 1)
    if len(path) > DOCUMENT_DEPTH_MAX or len(lines) > DOCUMENT_BYTES_MAX // 4:
        raise BadConfig("The file is nested or aliased too deeply", remedy="Write it flatter.", where=here)
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, (*path, n), lines, file) for n, item in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, lines, file)
    return _scalar(node, here)


def _scalar(node: yaml.Node, here: Where) -> object:
    kind = node.tag.removeprefix("tag:yaml.org,2002:")
    if kind in {"str", "timestamp"}:  # a date stays text: who reads it knows its format
        return node.value
    if kind == "float":  # money is written here: never through a binary float
        number = Decimal(str(node.value).replace("_", "").replace(".inf", "Infinity").replace(".nan", "NaN"))
        if number.is_finite():
            return number
    if kind in {"int", "bool", "null"}:
        return _scalars.construct_object(node)
    raise BadConfig(
        f"{node.value!r} ({kind}) is not a value that a workspace file may hold",
        remedy="Write plain text or a number.",
        where=here,
    )


def _mapping(node: yaml.MappingNode, path: Path, lines: dict[Path, int], file: str) -> dict[str, object]:
    data: dict[str, object] = {}
    for key_node, value_node in node.value:
        key = str(key_node.value)
        where = Where(file=file, line=key_node.start_mark.line + 1, key=key)
        if key in data:
            raise BadConfig(f"{key!r} stands here twice", remedy="Keep one of the two.", where=where)
        lines[*path, key] = key_node.start_mark.line + 1
        data[key] = _plain(value_node, (*path, key), lines, file)
    return data


def _schema_error(document: Document, fault: jsonschema.ValidationError) -> BadConfig:
    path = list(fault.absolute_path)
    schema = cast("dict[str, Any]", fault.schema)
    remedy = "See the schema of this file in docs/reference/configuration.md."
    if fault.validator == "additionalProperties" and isinstance(fault.instance, dict):
        known = list(schema.get("properties", {}))
        unknown = next((key for key in fault.instance if key not in known), None)
        if unknown is not None:
            return document.error([*path, unknown], f"Unknown key {unknown!r}", did_you_mean(unknown, known))
    if fault.validator == "enum":
        remedy = did_you_mean(
            str(fault.instance), [str(value) for value in cast("list[object]", fault.validator_value)]
        )
    if fault.validator == "required":
        remedy = "Add the missing key."
    if "description" in schema:
        remedy = f"Expected: {schema['description']}"
    return document.error(path, fault.message, remedy)


class _ScalarLoader(yaml.SafeLoader):
    def __init__(self) -> None:
        super().__init__("")


_scalars = _ScalarLoader()
