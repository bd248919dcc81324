"""The address of a lake in an object store, and what fiscus.yaml may say of how it is reached. Loads nothing.

Secrets are never said: a setting names the environment variable that holds one, or the store's own clients find them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

SCHEME: Final = re.compile(r"(s3|gs|abfss)://")
BUCKET: Final = re.compile(
    r"(?P<scheme>s3|gs)://(?P<bucket>[a-z0-9][a-z0-9._-]{1,221})(?P<prefix>/.*)?"
    r"|(?P<azure>abfss)://(?P<container>[a-z0-9][a-z0-9-]{1,62})@(?P<account>[a-z0-9]{3,24})\.dfs\.core\.windows\.net(?P<path>/.*)?"
)
PREFIX: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")
SETTINGS: Final = {
    "s3": ("region", "endpoint", "profile", "access_key_id_env", "secret_access_key_env", "session_token_env"),
    "gs": ("endpoint",),
    "abfss": ("endpoint", "account_key_env", "sas_token_env"),
}
SHAPES: Final = "s3://BUCKET/PREFIX, gs://BUCKET/PREFIX or abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/PREFIX"


@dataclass(frozen=True, slots=True)
class BucketAddress:
    """`prefix` has no slash at either end and is not empty. `account`: of Azure. `settings`: of SETTINGS."""

    scheme: str
    bucket: str
    prefix: str
    account: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        host = f"{self.bucket}@{self.account}.dfs.core.windows.net" if self.account else self.bucket
        return f"{self.scheme}://{host}/{self.prefix}"


class NoAddress(NamedTuple):
    """What is wrong with a location, as the rest of a sentence about it, and what to write instead."""

    why: str
    remedy: str


def is_bucket(location: str) -> bool:
    """Whether `location` is no folder."""
    return "://" in location


def bucket_address(location: str, settings: Mapping[str, str] | None = None) -> BucketAddress | NoAddress:
    """The address that `location` and its settings make."""
    if not SCHEME.match(location):
        return NoAddress("is no store that a lake can be in", f"Write a folder, {SHAPES}.")
    if "?" in location or re.match(r"(s3|gs)://[^/]*@", location):
        return NoAddress(
            "has settings or credentials in it",
            "Write settings under lake_settings; credentials come from the environment.",
        )
    found = BUCKET.fullmatch(location)
    prefix = ((found["prefix"] or found["path"] or "") if found else "").strip("/")
    if not found or not PREFIX.fullmatch(prefix):
        return NoAddress(
            "is not complete",
            "Name a bucket and a prefix of letters, digits, dots, dashes and underscores: s3://acme-finops/lake.",
        )
    scheme = found["scheme"] or found["azure"]
    strange = sorted(set(settings or {}) - set(SETTINGS[scheme]))
    if strange:
        return NoAddress(f"takes no lake_settings {', '.join(strange)}", f"There are: {', '.join(SETTINGS[scheme])}.")
    return BucketAddress(
        scheme, found["bucket"] or found["container"], prefix, found["account"] or "", dict(settings or {})
    )
