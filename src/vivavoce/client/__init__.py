"""The client SDK: a connection without I/O, and the asyncio client built on it.

async with Client("http://127.0.0.1:8300", key) as client:
    async with await client.create(InitRequest(sample_rate=16_000)) as session:
        await session.send_audio(pcm)
        await session.stop()
        async for message in session:
            ...
"""

from vivavoce.client.aio import Client
from vivavoce.client.callbacks import (
    Callback,
    SignatureError,
    Webhook,
    verify,
    verify_callback,
    verify_webhook,
)
from vivavoce.client.connection import Connection, State
from vivavoce.client.errors import (
    ApiError,
    BufferFullError,
    ProtocolError,
    SessionClosedError,
    SessionStateError,
    UnreachableError,
    VivavoceError,
)
from vivavoce.client.incoming import Message, UnknownMessage
from vivavoce.client.jobs import Job, JobPage
from vivavoce.client.outcome import Backoff, Ended, Reconnect
from vivavoce.client.session import Session

__all__ = [
    "ApiError",
    "Backoff",
    "BufferFullError",
    "Callback",
    "Client",
    "Connection",
    "Ended",
    "Job",
    "JobPage",
    "Message",
    "ProtocolError",
    "Reconnect",
    "Session",
    "SessionClosedError",
    "SessionStateError",
    "SignatureError",
    "State",
    "UnknownMessage",
    "UnreachableError",
    "VivavoceError",
    "Webhook",
    "verify",
    "verify_callback",
    "verify_webhook",
]
