"""Signatures of callbacks and webhooks: Standard Webhooks 1.0, version ``v1``.

HMAC-SHA256 over ``id.timestamp.body``. Here because both sides make the same ones: the server
to send them, the client to compare.
"""

import base64
import binascii
import hashlib
import hmac

ID_HEADER = "webhook-id"
TIMESTAMP_HEADER = "webhook-timestamp"
SIGNATURE_HEADER = "webhook-signature"

SECRET_PREFIX = "whsec_"  # noqa: S105  what secrets begin with, and none itself
SECRET_BYTES = range(24, 65)
"""How many bytes a secret may have."""


class SecretError(ValueError):
    """Not a signing secret; the text does not repeat it."""


def signing_key(secret: str) -> bytes:
    """The bytes of a secret as it is shown to people, ``whsec_`` and base64.

    Raises:
        SecretError: it is none.
    """
    text = secret.removeprefix(SECRET_PREFIX).rstrip("=")
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise SecretError("a signing secret is whsec_ and base64") from None
    if len(key) not in SECRET_BYTES:
        raise SecretError("a signing secret has between 24 and 64 bytes")
    return key


def signature(key: bytes, message_id: str, timestamp: str, body: bytes) -> str:
    """One signature, as the header has it."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"
