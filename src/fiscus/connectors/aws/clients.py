"""Clients of AWS whose descriptions of services are read once a process: those of EC2 take 0.3 s, and are read a session else."""

from __future__ import annotations

from functools import cache
from typing import Any

import boto3
import botocore.session


def new_client(service: str, **settings: Any) -> Any:
    """As boto3 makes it, in a session of its own: credentials and region are looked up now."""
    core = botocore.session.get_session()
    core.register_component("data_loader", _descriptions())
    return boto3.session.Session(botocore_session=core).client(service, **settings)


@cache
def _descriptions() -> Any:
    """The SDK's loader, which keeps what it has read. It looks where AWS_DATA_PATH says when the first client is made."""
    return botocore.session.get_session().get_component("data_loader")
