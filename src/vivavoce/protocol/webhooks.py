"""Webhook endpoints as HTTP shows them. These routes are ours, not part of the live v2 API."""

from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from vivavoce.protocol.formats import Instant, Uri


class NewWebhook(msgspec.Struct, frozen=True):
    """A new endpoint for lifecycle events of sessions."""

    url: str


class Webhook(msgspec.Struct, frozen=True):
    """An endpoint; its ``secret`` is shown only when it is created or renewed.

    ``disabled`` endpoints are sent nothing; ``cause`` says why.
    """

    id: str
    url: Uri
    created_at: Instant
    status: Literal["active", "disabled"]
    cause: str | None
    secret: str | UnsetType = UNSET


class WebhookList(msgspec.Struct, frozen=True):
    """Every endpoint of a key, oldest first."""

    items: tuple[Webhook, ...]


class WebhookTest(msgspec.Struct, frozen=True):
    """Result of a test event: the endpoint's status, or the reason why there is none."""

    delivered: bool
    status: int | None
    failure: str | None
