"""The published SDK reads every callback and webhook that we send, and so does ours."""

from typing import Any

import pytest
from gladiaio_sdk.v2.live.generated_types import (
    create_live_v2_callback_message_from_json,
    create_live_v2_webhook_message_from_json,
)

from vivavoce.client import verify_callback, verify_webhook
from vivavoce.delivery.signing import sign
from vivavoce.protocol import messages
from vivavoce.protocol.result import Result, ResultMetadata
from vivavoce.protocol.transcript import Transcription, Utterance, Word

bodies = pytest.importorskip("vivavoce.delivery.bodies")

SESSION = "6f1c0000-0000-4000-8000-000000000000"
SECRET = "whsec_" + "A" * 43
NOW = 1_700_000_000
WHO: dict[str, Any] = {"session_id": SESSION, "created_at": "2026-11-21T08:00:00.101Z"}
UTTERANCE = Utterance(0.1, 0.5, 0.9, 0, (Word(" Hi.", 0.1, 0.5, 0.9),), " Hi.", "en")
TEXT = Transcription("Hi.", ("en",), (UTTERANCE,))
MOMENT = messages.SpeechMoment(0.1, 0)
SAMPLES: dict[str, messages.Message] = {
    "audio_chunk": messages.AudioChunkAck(
        **WHO, acknowledged=True, data=messages.ChunkRange((0, 3200), (0.0, 0.1))
    ),
    "stop_recording": messages.StopRecordingAck(
        **WHO, acknowledged=True, data=messages.RecordingDurations(1.0, 0.5)
    ),
    "speech_start": messages.SpeechStart(**WHO, data=MOMENT),
    "speech_end": messages.SpeechEnd(**WHO, data=MOMENT),
    "transcript": messages.Transcript(
        **WHO, data=messages.TranscriptData("00_00000000", True, UTTERANCE)
    ),
    "start_session": messages.StartSession(**WHO),
    "start_recording": messages.StartRecording(**WHO),
    "end_recording": messages.EndRecording(**WHO, data=messages.RecordingDuration(1.0)),
    "end_session": messages.EndSession(**WHO),
    "post_transcript": messages.PostTranscript(**WHO, data=TEXT),
    "post_final_transcript": messages.PostFinalTranscript(
        **WHO, data=Result(ResultMetadata(1.0, 1, 1.0, 1.0), TEXT)
    ),
}
UNKNOWN_TO_THE_SDK = {"error", "finalize"}
"""The SDK's parser has no such events: one is only sent where ``receive_errors`` is asked for, the
other never."""

NOT_CALLED_BACK = {"finalize"}
"""An extension of the socket."""

WEBHOOKS = ("start_session", "start_recording", "end_recording", "end_session")


def test_there_is_a_sample_of_every_message() -> None:
    kinds = {kind.__struct_config__.tag for kind in messages.ServerMessage.__args__}
    assert kinds - UNKNOWN_TO_THE_SDK - NOT_CALLED_BACK <= set(SAMPLES)


@pytest.mark.parametrize("kind", SAMPLES)
def test_a_callback_is_read_by_the_published_sdk_and_by_ours(kind: str) -> None:
    body = bodies.callback_body(SESSION, messages.encode(SAMPLES[kind]))
    theirs = create_live_v2_callback_message_from_json(body)
    assert (theirs.id, theirs.event) == (SESSION, f"live.{kind}")
    assert (theirs.payload.type, theirs.payload.session_id) == (kind, SESSION)
    ours = verify_callback(body, sign([SECRET], "m", NOW, body), SECRET, now=NOW)
    assert (ours.event, ours.session_id) == (f"live.{kind}", SESSION)
    assert ours.payload == SAMPLES[kind]


@pytest.mark.parametrize("kind", WEBHOOKS)
def test_a_webhook_is_read_by_the_published_sdk_and_by_ours(kind: str) -> None:
    body = bodies.webhook_body(SESSION, f"live.{kind}")
    theirs = create_live_v2_webhook_message_from_json(body)
    assert (theirs.event, theirs.payload.id) == (f"live.{kind}", SESSION)
    ours = verify_webhook(body, sign([SECRET], "m", NOW, body), SECRET, now=NOW)
    assert (ours.event, ours.session_id) == (f"live.{kind}", SESSION)


@pytest.mark.parametrize("kind", ["post_transcript", "post_final_transcript"])
def test_a_callback_that_was_made_smaller_is_read_too(kind: str) -> None:
    long = Transcription("Hi. " * 2000, ("en",), (UTTERANCE,) * 2000)
    data = long if kind == "post_transcript" else Result(ResultMetadata(1.0, 1, 1.0, 1.0), long)
    message = type(SAMPLES[kind])(**WHO, data=data)  # type: ignore[call-arg]  # both have data
    whole = bodies.callback_body(SESSION, messages.encode(message))
    body = bodies.lean_body(whole, 20_000, "http://127.0.0.1:8300")
    assert len(body) <= 20_000 < len(whole)
    assert create_live_v2_callback_message_from_json(body).payload.type == kind
    ours = verify_callback(body, sign([SECRET], "m", NOW, body), SECRET, now=NOW)
    assert ours.link == f"http://127.0.0.1:8300/v2/live/{SESSION}"
