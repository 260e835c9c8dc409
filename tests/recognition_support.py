"""Jobs for tests of the recognition room."""

from vivavoce.recognition.contract import DecodeRequest
from vivavoce.recognition.engines.scripted import sing
from vivavoce.recognition.frames import EngineSpec
from vivavoce.recognition.jobs import PURPOSES, Job, JobKind

SCRIPTED = EngineSpec("vivavoce.recognition.engines.scripted:load", {"faults": True})


def a_job(
    kind: JobKind = "final",
    *,
    session: str = "s",
    channel: int = 0,
    deadline: float = 0.0,
    samples: int = 16_000,
    engine: str = "scripted",
) -> Job:
    """A job whose audio is silence."""
    return Job(session, channel, kind, engine, deadline, a_request(bytes(4 * samples), kind))


def a_sung_job(
    text: str,
    kind: JobKind = "final",
    *,
    session: str = "s",
    channel: int = 0,
    deadline: float = 0,
    engine: str = "scripted",
) -> Job:
    """A job in whose audio the scripted engine hears a text."""
    return Job(session, channel, kind, engine, deadline, a_request(sing(text), kind))


def a_request(audio: bytes, kind: JobKind) -> DecodeRequest:
    """The request that goes with a kind of job."""
    return DecodeRequest(audio, PURPOSES[kind], "en")
