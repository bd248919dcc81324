"""Properties of SkuPriceDetails and units of measure that FOCUS defines, and the tests of their spelling and type.

Sources: FOCUS 1.2 and later, column SkuPriceDetails (properties and their types) and attribute UnitFormat (recommended units).
"""

from __future__ import annotations

import re
from typing import Final

from fiscus.cost.conformance.currencies import ISO_4217
from fiscus.cost.conformance.readings import among

PROPERTIES: Final = {
    "CoreCount": "number", "DiskMaxIops": "number", "DiskSpace": "number", "DiskType": "text", "GpuCount": "number",
    "InstanceType": "text", "InstanceSeries": "text", "MemorySize": "number", "NetworkMaxIops": "number",
    "NetworkMaxThroughput": "number", "OperatingSystem": "text", "Redundancy": "text", "StorageClass": "text",
}  # fmt: skip
_DATA: Final = [
    f"{p}{u}" for u in ("b", "B") for p in ("", "K", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei")
]
_COUNTS: Final = [
    "Count",
    "Unit",
    "Request",
    "Token",
    "Connection",
    "Certificate",
    "Domain",
    "Core",
    "Node",
    "Instance",
    "Cluster",
    "User",
    "Seat",
    "Message",
    "Event",
    "Query",
    "Operation",
    "Transaction",
    "Call",
    "Key",
    "Job",
    "Run",
    "Execution",
    "Image",
    "Page",
    "Character",
    "Record",
    "Row",
    "Object",
    "Host",
    "Metric",
    "Log",
    "Session",
    "Device",
    "Credit",
]
_TIMES: Final = ["Year", "Month", "Week", "Day", "Hour", "Minute", "Second", "Millisecond"]
UNITS: Final = (
    *_DATA[1:],
    *_COUNTS,
    *(f"{n}s" for n in _COUNTS),
    *_TIMES,
    *(f"{n}s" for n in _TIMES),
    *sorted(ISO_4217),
)


def _listed(names: object) -> str:
    return ", ".join(f"'{name}'" for name in names)  # type: ignore[attr-defined]  # any iterable of names


_WORDS: Final = "list_filter(regexp_split_to_array({x}, '[ /-]+'), lambda w: NOT regexp_full_match(w, '[0-9]*'))"
_CASELESS: Final = sorted({unit.lower() for unit in (*_COUNTS, *_TIMES)})
_MISCASED: Final = (
    f"(len(list_filter({_WORDS}, lambda w: {among('lower(w)', _CASELESS)}"
    f" AND NOT {among('w', [unit for unit in UNITS if unit.lower() in _CASELESS])})) > 0)"
)
_UNLISTED: Final = f"(len(list_filter({_WORDS}, lambda w: NOT {among('w', UNITS)})) > 0)"

_SPELLED: Final = (
    f"len(list_filter(key_list({{x}}), lambda k: lower(k) IN ({_listed(n.lower() for n in PROPERTIES)})"
    f" AND k NOT IN ({_listed(PROPERTIES)}))) = 0"
)
_KNOWN: Final = (
    f"len(list_filter(key_list({{x}}), lambda k: NOT starts_with(k, 'x_') AND lower(k) NOT IN"
    f" ({_listed(n.lower() for n in PROPERTIES)}))) = 0"
)
_RENAMED: Final = (
    f"len(list_filter(key_list({{x}}), lambda k: starts_with(k, 'x_') AND lower(substr(k, 3)) IN"
    f" ({_listed(n.lower() for n in PROPERTIES)}))) = 0"
)
_JSON_TYPES: Final = {"number": "('DOUBLE', 'BIGINT', 'UBIGINT', 'NULL')", "text": "('VARCHAR', 'NULL')"}
_TYPED: Final = " AND ".join(
    f"coalesce(json_type(json({{x}}), '$.{name}'), 'NULL') IN {_JSON_TYPES[kind]}" for name, kind in PROPERTIES.items()
)
_CALLS: Final = {
    "sku_property_spelled": _SPELLED,
    "sku_property_known": _KNOWN,
    "sku_property_renamed": _RENAMED,
    "sku_property_typed": _TYPED,
}


def unit_faults(column: str) -> tuple[str, str]:
    """SQL: a listed unit in other capitals; a unit that is not listed."""
    return _MISCASED.replace("{x}", column), _UNLISTED.replace("{x}", column)


def spell_properties(sql: str) -> str:
    """`sql` with the sku_property_... tests written out."""
    return re.sub(rf"\b({'|'.join(_CALLS)})\((\w+)\)", lambda call: f"({_CALLS[call[1]].replace('{x}', call[2])})", sql)
