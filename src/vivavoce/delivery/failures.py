"""Reasons for missing responses, in texts that may be stored and shown to the owner of the URL.

They state what the owner of an endpoint can act on, and disclose nothing about this server's
network.
"""

import ssl

import httpcore

from vivavoce.delivery.connecting import RefusedAddressError, UnknownHostError
from vivavoce.delivery.targets import RefusedTargetError

FAILURES: tuple[type[Exception], ...] = (
    RefusedTargetError,
    RefusedAddressError,
    UnknownHostError,
    httpcore.TimeoutException,
    httpcore.NetworkError,
    httpcore.ProtocolError,
    TimeoutError,
    OSError,
)
"""The errors that an endpoint, a name server or the network can cause."""

NO_PUBLIC_HOST = "the host was not found, or has an address that is not public"
"""One text for both cases, so as not to disclose which names this network resolves."""

_WORDS: tuple[tuple[type[Exception], str], ...] = (
    (RefusedAddressError, NO_PUBLIC_HOST),
    (UnknownHostError, NO_PUBLIC_HOST),
    (httpcore.ConnectTimeout, "no connection in time"),
    (httpcore.PoolTimeout, "too many deliveries at once"),
    (httpcore.ConnectError, "no connection"),
    (httpcore.LocalProtocolError, "the request has a header that HTTP does not allow"),
    (httpcore.RemoteProtocolError, "the connection ended early, or what came was not HTTP"),
    (httpcore.NetworkError, "the connection broke"),
    (httpcore.TimeoutException, "no answer in time"),
    (TimeoutError, "no answer in time"),
)


def described(failure: Exception) -> str:
    """Return a short description of one of ``FAILURES``."""
    if isinstance(failure, RefusedTargetError):
        return f"the URL {failure}"
    if tls := _tls_error(failure):
        return _about_tls(tls)
    return next((text for kind, text in _WORDS if isinstance(failure, kind)), "no connection")


def _tls_error(failure: BaseException | None) -> ssl.SSLError | None:
    """Return the TLS error among the causes, if there is one."""
    while failure is not None and not isinstance(failure, ssl.SSLError):
        failure = failure.__cause__
    return failure


def _about_tls(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate was not accepted: {error.verify_message}"
    reason = (error.reason or "connection ended").lower().replace("_", " ")
    return f"TLS failed: {reason}"
