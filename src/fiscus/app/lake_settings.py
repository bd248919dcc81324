"""`stores.lake` and `lake_settings` of fiscus.yaml: an address that a lake can have, and an engine that can read it there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from fiscus.stores.lake.bucket_address import BucketAddress, NoAddress, bucket_address, is_bucket

if TYPE_CHECKING:
    from fiscus.kernel.documents import Document

JARS = ("spark.jars", "spark.jars.packages")
JAR_OF = {
    "s3": "org.apache.hadoop:hadoop-aws:VERSION",
    "gs": "com.google.cloud.bigdataoss:gcs-connector:VERSION",
    "abfss": "org.apache.hadoop:hadoop-azure:VERSION",
}


def lake_settings_from(document: Document, data: Mapping[str, Any]) -> Mapping[str, str]:
    """The settings of a lake in a bucket; none for a folder. Raises BadConfig with the line."""
    stores = data.get("stores", {})
    lake, settings = stores.get("lake", ""), stores.get("lake_settings", {})
    if not is_bucket(lake):
        if settings:
            raise document.error(
                ["stores", "lake_settings"], "A lake in a folder has no settings", "Take them away, or name a bucket."
            )
        return {}
    address = bucket_address(lake, settings)
    if isinstance(address, NoAddress):
        raise document.error(["stores", "lake"], f"The lake {lake} {address.why}", address.remedy)
    _refuse_engine(document, data, address)
    return address.settings


def _refuse_engine(document: Document, data: Mapping[str, Any], address: BucketAddress) -> None:
    engine = data.get("engine", "")
    if engine.startswith("sail://"):
        raise document.error(
            ["engine"],
            f"Sail is not proven with a lake in {address.scheme}://",
            "Write engine: duckdb, or keep the lake in a folder that Sail sees.",
        )
    if engine.startswith("spark://") and not any(name in data.get("engine_settings", {}) for name in JARS):
        raise document.error(
            ["engine"],
            f"Spark needs a jar to read a lake in {address.scheme}://, and engine_settings names none",
            f"Add spark.jars.packages: {JAR_OF[address.scheme]}, as the cluster's Hadoop is, or write engine: duckdb.",
        )
