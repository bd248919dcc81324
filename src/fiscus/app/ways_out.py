"""What a workspace may reach: the channels of notices and the executors of actions that fiscus.yaml configures."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import urlsplit

from fiscus.actions.notify import notify_executors
from fiscus.kernel.errors import Unavailable, Where

if TYPE_CHECKING:
    from fiscus.actions.ports import Executor
    from fiscus.app.settings import Settings, Webhook
    from fiscus.ownership.ports import NoticeChannel
    from fiscus.ownership.types import Notice

LOCAL_NAMES = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class UnsignedWebhook:
    """A webhook whose secret is not there: its notices wait, everything else goes on."""

    variable: str

    def send(self, notice: Notice) -> NoReturn:
        """Always Unavailable: nothing is sent without a signature."""
        raise Unavailable(
            f"The environment has no {self.variable}, so {notice.key} was not signed and not sent",
            remedy="Set it to the secret that the receiver checks signatures with; the next run sends what waits.",
            where=Where(file="fiscus.yaml", key="notify.webhook.secret_env"),
        )


def open_channels(settings: Settings) -> Mapping[str, NoticeChannel]:
    """`email` and `webhook`, those that are configured. Nothing is connected yet."""
    channels: dict[str, NoticeChannel] = {}
    if settings.smtp:
        from fiscus.connectors.smtp.notify import SmtpChannel

        channels["email"] = SmtpChannel(settings.smtp.host, settings.smtp.port, settings.smtp.sender)
    if settings.webhook:
        channels["webhook"] = _webhook(settings.webhook)
    return channels


def _webhook(configured: Webhook) -> NoticeChannel:
    secret = os.environ.get(configured.secret_env)
    if not secret:
        return UnsignedWebhook(configured.secret_env)
    from fiscus.connectors.webhook.notify import WebhookChannel

    return WebhookChannel(configured.url, secret)


def open_executors(settings: Settings, channels: Mapping[str, NoticeChannel]) -> Mapping[str, Executor]:
    """By kind of action. An AWS at a loopback address needs no credentials of AWS: it gets a name that any emulator takes."""
    executors: dict[str, Executor] = dict(notify_executors(channels))
    if settings.aws is not None:
        from fiscus.connectors.aws.actions import ec2_executors

        url = settings.aws.get("endpoint_url")
        if url and urlsplit(url).hostname in LOCAL_NAMES:
            for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
                os.environ.setdefault(name, "local")
        executors |= ec2_executors(url, settings.aws.get("region", "us-east-1"))
    if settings.ai_accounts:
        from fiscus.app.ai_accounts import open_limit_executors

        executors |= open_limit_executors(settings.ai_accounts)
    return executors
