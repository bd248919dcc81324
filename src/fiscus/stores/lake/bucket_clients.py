"""The two clients of one bucket, of one identity: delta-rs commits with its own, Arrow reads and writes files with its own.

Each has bounded times and retries: a store that hangs is an error, not a process that waits.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import pyarrow.fs as arrow

from fiscus.kernel.errors import Unavailable, Where
from fiscus.kernel.limits import STORE_CONNECT_SECONDS_MAX, STORE_REQUEST_SECONDS_MAX, STORE_TRIES_MAX
from fiscus.stores.lake.bucket_address import BucketAddress

BOUNDS: Final = {
    "timeout": f"{STORE_REQUEST_SECONDS_MAX}s",
    "connect_timeout": f"{STORE_CONNECT_SECONDS_MAX}s",
    "max_retries": str(STORE_TRIES_MAX - 1),
    "retry_timeout": f"{STORE_REQUEST_SECONDS_MAX * 2}s",
}

COLOURS: Final = re.compile(r"\x1b\[\d+m")
SPACES: Final = re.compile(r"\s+")
CODE: Final = re.compile(r"<Code>(\w+)</Code>\s*<Message>([^<]{1,200})")


@dataclass(frozen=True, slots=True)
class Clients:
    """`delta`: options for delta-rs. `files`: Arrow's file system. `identity`: who they were made for; others make them anew."""

    delta: dict[str, str] = field(repr=False)
    files: Any
    identity: tuple[str, ...] = field(repr=False)


class BucketClients:
    """Clients of `address`, made anew when its credentials are others: they run out."""

    def __init__(self, address: BucketAddress) -> None:
        self._address = address
        self._session: Any = None  # boto3's, which finds and renews credentials of S3
        self._made: Clients | None = None

    def now(self) -> Clients:
        """Raises Unavailable where there are no credentials."""
        identity = self._identity()
        if self._made is None or self._made.identity != identity:
            self._made = MAKERS[self._address.scheme](self._address, identity)
        return self._made

    def _identity(self) -> tuple[str, ...]:
        settings = self._address.settings
        if self._address.scheme == "abfss":
            key = _secret(self._address, "account_key_env") or os.environ.get("AZURE_STORAGE_ACCOUNT_KEY", "")
            return (key, _secret(self._address, "sas_token_env"))
        if self._address.scheme == "gs":
            return (os.environ.get("GOOGLE_APPLICATION_CREDENTIALS", ""),)
        if "access_key_id_env" in settings:
            names = ("access_key_id_env", "secret_access_key_env", "session_token_env")
            return (*(_secret(self._address, name) for name in names), self._region())
        return (*self._of_aws(), self._region())

    def _of_aws(self) -> tuple[str, str, str]:
        """As AWS's own clients find them: the environment, a profile, single sign-on, the machine's role."""
        from botocore.exceptions import BotoCoreError  # noqa: PLC0415  loaded for a lake in S3 alone

        try:
            found = self._aws().get_credentials()
            keys = found.get_frozen_credentials() if found else None
        except BotoCoreError as refused:
            raise _no_credentials(self._address, str(refused)) from None
        if keys is None or not keys.access_key:
            raise _no_credentials(self._address, "there are none in the environment, the profile or on this machine")
        return keys.access_key, keys.secret_key or "", keys.token or ""

    def _region(self) -> str:
        said = self._address.settings.get("region") or os.environ.get("AWS_REGION")
        return said or os.environ.get("AWS_DEFAULT_REGION") or self._aws().region_name or "us-east-1"

    def _aws(self) -> Any:
        if self._session is None:
            import boto3  # noqa: PLC0415  as above
            from botocore.exceptions import BotoCoreError  # noqa: PLC0415  as above

            try:
                self._session = boto3.Session(profile_name=self._address.settings.get("profile"))
            except BotoCoreError as refused:
                raise _no_credentials(self._address, str(refused)) from None
        return self._session


def _s3(address: BucketAddress, identity: tuple[str, ...]) -> Clients:
    key, secret, token, region = identity
    said = address.settings.get("endpoint") or os.environ.get("AWS_ENDPOINT_URL_S3")
    endpoint = said or os.environ.get("AWS_ENDPOINT_URL", "")
    delta = {
        **BOUNDS,
        "aws_access_key_id": key,
        "aws_secret_access_key": secret,
        "aws_region": region,
        "aws_conditional_put": "etag",  # a commit is a file that must not be there yet: the store itself says who was first
        **({"aws_session_token": token} if token else {}),
        **({"aws_endpoint": endpoint, "aws_allow_http": str(_plain(endpoint)).lower()} if endpoint else {}),
    }
    at = urlsplit(endpoint)
    files = arrow.S3FileSystem(
        access_key=key,
        secret_key=secret,
        session_token=token or None,
        region=region,
        connect_timeout=STORE_CONNECT_SECONDS_MAX,
        request_timeout=STORE_REQUEST_SECONDS_MAX,
        retry_strategy=arrow.AwsStandardS3RetryStrategy(max_attempts=STORE_TRIES_MAX),
        **({"endpoint_override": at.netloc, "scheme": at.scheme} if endpoint else {}),
    )
    return Clients(delta, files, identity)


def _gs(address: BucketAddress, identity: tuple[str, ...]) -> Clients:
    endpoint = address.settings.get("endpoint", "")
    wait = timedelta(seconds=STORE_REQUEST_SECONDS_MAX * 2)
    if not endpoint:
        return Clients(dict(BOUNDS), arrow.GcsFileSystem(retry_time_limit=wait), identity)
    at = urlsplit(endpoint)  # something that speaks as Google does, and asks nobody who he is
    nobody = {
        "gcs_base_url": endpoint,
        "disable_oauth": True,
        "client_email": "",
        "private_key": "",
        "private_key_id": "",
    }
    delta = {**BOUNDS, "google_service_account_key": json.dumps(nobody), "allow_http": str(_plain(endpoint)).lower()}
    files = arrow.GcsFileSystem(anonymous=True, scheme=at.scheme, endpoint_override=at.netloc, retry_time_limit=wait)
    return Clients(delta, files, identity)


def _azure(address: BucketAddress, identity: tuple[str, ...]) -> Clients:
    key, sas = identity
    delta = {**BOUNDS, "azure_storage_account_name": address.account}
    given: dict[str, Any] = {}
    if key:
        delta["azure_storage_account_key"] = given["account_key"] = key
    elif sas:
        delta["azure_storage_sas_key"] = given["sas_token"] = sas
    if endpoint := address.settings.get("endpoint"):
        at = urlsplit(endpoint)
        given |= {"blob_storage_authority": at.netloc, "blob_storage_scheme": at.scheme}
        given |= {"dfs_storage_authority": at.netloc, "dfs_storage_scheme": at.scheme}
        os.environ["AZURITE_BLOB_STORAGE_URL"] = endpoint  # delta-rs has no option for the place of an emulator
        delta |= {"azure_storage_use_emulator": "true", "allow_http": str(_plain(endpoint)).lower()}
    return Clients(delta, arrow.AzureFileSystem(address.account, **given), identity)


MAKERS: Final = {"s3": _s3, "gs": _gs, "abfss": _azure}


def _plain(endpoint: str) -> bool:
    return endpoint.startswith("http://")


def _secret(address: BucketAddress, setting: str) -> str:
    """The value of the environment variable that a setting names; a name without a value is refused."""
    name = address.settings.get(setting)
    if name is None:
        return ""
    if not os.environ.get(name):
        raise _no_credentials(address, f"the environment variable {name} ({setting}) is empty")
    return os.environ[name]


def _no_credentials(address: BucketAddress, why: str) -> Unavailable:
    return Unavailable(
        f"There are no credentials for the lake: {why}",
        remedy="Set them where Fiscus runs: docs/how-to/lake-in-a-bucket.md says where they are looked for.",
        where=Where(file=address.url),
    )


def said(failed: BaseException) -> str:
    """What a store answered, in one line: delta-rs draws a tree, Arrow writes a paragraph."""
    text = SPACES.sub(" ", COLOURS.sub("", str(failed)).replace("↳", "")).strip()
    found = CODE.search(text)
    return (f"{found[1]}: {found[2]}" if found else text)[:300]
