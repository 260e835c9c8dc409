"""Headers that prove to an endpoint who wrote a message, and when."""

from collections.abc import Mapping, Sequence

from vivavoce.protocol.signatures import (
    ID_HEADER,
    SIGNATURE_HEADER,
    TIMESTAMP_HEADER,
    signature,
    signing_key,
)


def sign(secrets: Sequence[str], message_id: str, timestamp: int, body: bytes) -> Mapping[str, str]:
    """Headers of Standard Webhooks, with a signature for each secret.

    While a secret is being replaced both sign, so an endpoint may know either.

    Args:
        secrets: those in force, the newest first.
        message_id: the same for every try to deliver a message.
        timestamp: of this try, in Unix seconds.
        body: exactly as it is sent.

    Raises:
        SecretError: a secret is none.
    """
    moment = str(timestamp)
    keys = map(signing_key, secrets)
    return {
        ID_HEADER: message_id,
        TIMESTAMP_HEADER: moment,
        SIGNATURE_HEADER: " ".join(signature(key, message_id, moment, body) for key in keys),
    }
