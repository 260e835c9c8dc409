"""Signature headers that prove the sender and the time of a message to an endpoint."""

from collections.abc import Mapping, Sequence

from vivavoce.protocol.signatures import (
    ID_HEADER,
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    signature,
    signing_key,
)


def sign(secrets: Sequence[str], message_id: str, timestamp: int, body: bytes) -> Mapping[str, str]:
    """Return the headers of Standard Webhooks, with a signature for each secret.

    While a secret is being replaced, both secrets sign, so an endpoint may use either.

    Args:
        secrets: the valid secrets, newest first.
        message_id: message id, the same for every attempt.
        timestamp: Unix time of this attempt in seconds.
        body: the body exactly as sent.

    Raises:
        SecretError: a secret is malformed.
    """
    moment = str(timestamp)
    keys = map(signing_key, secrets)
    return {
        ID_HEADER: message_id,
        TIMESTAMP_HEADER: moment,
        SIGNATURE_HEADER: " ".join(signature(key, message_id, moment, body) for key in keys),
    }
