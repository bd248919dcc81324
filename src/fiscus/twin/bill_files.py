"""Tables to files as vendors send them; the same table gives the same bytes."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pcsv
import pyarrow.parquet as pq

from fiscus.twin.feeds import Feed


def write_bill(feed: Feed, table: pa.Table, folder: Path, stem: str) -> Path:
    """One file of `feed` under `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{stem}.{feed.form}"
    if feed.form == "parquet":
        pq.write_table(table, path, compression="zstd")
        return path
    buffer = io.BytesIO()
    pcsv.write_csv(table, buffer, pcsv.WriteOptions(quoting_style="needed"))
    data = buffer.getvalue()
    if feed.form == "csv.gz":
        data = gzip.compress(data, compresslevel=6, mtime=0)
    elif feed.form == "csv.zst":
        data = pa.compress(data, codec="zstd", asbytes=True)
    path.write_bytes(data)
    return path
