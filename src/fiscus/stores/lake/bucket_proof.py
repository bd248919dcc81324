"""Proof that a store which speaks S3 refuses to write what is there: else of two commits at once one is lost.

Amazon's own does since August 2024 ("conditional writes"). Others speak S3 and overwrite in silence, so each is asked.
"""

from __future__ import annotations

import uuid
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from fiscus.kernel.errors import BadConfig, Unavailable, Where
from fiscus.kernel.limits import STORE_CONNECT_SECONDS_MAX, STORE_REQUEST_SECONDS_MAX, STORE_TRIES_MAX
from fiscus.stores.lake.bucket_address import BucketAddress

REFUSED: Final = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})


def prove_conditional_put(address: BucketAddress, delta: dict[str, str]) -> None:
    """`delta`: options of delta-rs. Raises BadConfig for a store that overwrites, Unavailable for one that cannot be asked."""
    client = boto3.client(
        "s3",
        endpoint_url=delta["aws_endpoint"],
        region_name=delta["aws_region"],
        aws_access_key_id=delta["aws_access_key_id"],
        aws_secret_access_key=delta["aws_secret_access_key"],
        aws_session_token=delta.get("aws_session_token"),
        config=Config(
            connect_timeout=STORE_CONNECT_SECONDS_MAX,
            read_timeout=STORE_REQUEST_SECONDS_MAX,
            retries={"total_max_attempts": STORE_TRIES_MAX},
        ),
    )
    key = f"{address.prefix}/_proof/{uuid.uuid4().hex}"
    try:
        refused = _second_is_refused(client, address.bucket, key)
        client.delete_object(Bucket=address.bucket, Key=key)
    except (BotoCoreError, ClientError) as failed:
        raise Unavailable(
            f"The lake cannot be written: {failed}",
            remedy="Check the bucket, the right to write and delete below the prefix, and the network; nothing was changed.",
            where=Where(file=address.url),
        ) from None
    if not refused:
        raise BadConfig(
            f"{delta['aws_endpoint']} overwrites where it is told not to: of two commits at once one would be lost",
            remedy="Keep the lake in a store with conditional writes (If-None-Match), or in a folder. Nothing was changed.",
            where=Where(file=address.url),
        )


def _second_is_refused(client: Any, bucket: str, key: str) -> bool:
    client.put_object(Bucket=bucket, Key=key, Body=b"", IfNoneMatch="*")
    try:
        client.put_object(Bucket=bucket, Key=key, Body=b"", IfNoneMatch="*")
    except ClientError as answer:
        if answer.response["Error"]["Code"] in REFUSED:
            return True
        raise
    return False
