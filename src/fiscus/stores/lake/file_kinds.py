"""What a file is by its first bytes, held against what its name says: nothing is called damaged that is only misnamed."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from fiscus.kernel.errors import BadInput, Where

LOOKED_AT_BYTES: Final = 4096
TEXT: Final = "plain text"
UNPACK: Final = "Unpack it, and deliver the CSV or Parquet files that are in it."
MAGIC: Final = (  # first bytes, what has them, what to do with it here
    (b"PK\x03\x04", "a ZIP archive or an Excel workbook", "Unpack it, or save the workbook as CSV."),
    (b"PK\x05\x06", "an empty ZIP archive", "Fetch it again from the vendor."),
    (b"\x1f\x8b", "gzip", "Rename it to end in .csv.gz."),
    (b"\x28\xb5\x2f\xfd", "zstd", "Rename it to end in .csv.zst."),
    (b"PAR1", "Parquet", "Rename it to end in .parquet."),
    (b"\xfd7zXZ\x00", "xz", UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", UNPACK),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook", "Save it as CSV."),
    (b"%PDF-", "a PDF", "Fetch the bill as CSV or Parquet."),
    *((b"BZh%d1AY&SY" % level, "bzip2", UNPACK) for level in range(1, 10)),
)
BY_NAME: Final = {".gz": "gzip", ".zst": "zstd", ".zstd": "zstd", ".parquet": "Parquet"}


def packing(path: Path) -> str:
    """What the file is by its name."""
    return BY_NAME.get(path.suffix.lower(), TEXT)


def refuse_other_kind(path: Path) -> None:
    """Raises BadInput where the bytes of `path` are of another kind than its name says. An empty file passes."""
    with path.open("rb") as file:
        head = file.read(LOOKED_AT_BYTES)
    named = packing(path)
    kind, remedy = next(((kind, remedy) for magic, kind, remedy in MAGIC if head.startswith(magic)), (None, ""))
    if not head or kind == named or (kind is None and named == TEXT):
        return
    if kind is None and _is_text(head):
        kind, remedy = TEXT, "Rename it to end in .csv."
    raise BadInput(
        f"The name says {named}, but the file is {kind or 'something else'}",
        remedy=remedy or "Fetch it again from the vendor.",
        where=Where(file=str(path)),
    )


def _is_text(head: bytes) -> bool:
    if b"\0" in head:
        return False
    try:
        head[: head.rfind(b"\n") + 1 or None].decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
