"""The witness must notice what a test did not look for."""

import io
import json
import wave
from typing import Any

import pytest

from history import History, Violation
from integration.witness import Kept, Witness

Json = dict[str, Any]

ID, URL = "one", "ws://somewhere/v2/live?token=t"
AUDIO = bytes(range(200))


def ack(begin: int, end: int) -> Json:
    data = {"byte_range": [begin, end]}
    return {"type": "audio_chunk", "session_id": ID, "acknowledged": True, "data": data}


def final(text: str) -> Json:
    utterance = {"start": 1.0, "channel": 0, "text": text}
    data = {"id": "00_0", "is_final": True, "utterance": utterance}
    return {"type": "transcript", "session_id": ID, "data": data}


def kept(text: str = "hello", audio: bytes = AUDIO) -> Kept:
    utterances = [final(text)["data"]["utterance"]]
    transcription = {"full_transcript": text, "utterances": utterances}
    result = {"transcription": transcription, "messages": [json.dumps(final(text))]}
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((1, 2, 16_000, 0, "NONE", "not compressed"))
        writer.writeframes(audio)
    return Kept({"id": ID, "status": "done", "result": result}, file.getvalue())


def told(*messages: Json, sent: bytes = AUDIO) -> History:
    history = History()
    history.opened()
    if sent:
        history.sent(sent)
    for message in messages:
        history.heard(message)
    history.closed(1000)
    return history


def watching(*histories: History, shown: Kept | None, **init: Any) -> Witness:
    witness = Witness()
    witness.created(ID, URL, init, lambda _: shown)
    for number, history in enumerate(histories):
        witness.connected(f"{URL}&position={number}" if number else URL, history)
    return witness


def test_a_session_in_which_all_went_well_passes() -> None:
    watching(told(ack(0, 200), final("hello")), shown=kept()).check()


@pytest.mark.parametrize(
    ("messages", "shown", "wrong"),
    [
        ([ack(0, 100), final("hello")], kept(audio=AUDIO[:100]), "ends at 100 of 200 bytes"),
        ([ack(0, 200), final("hello")], kept("goodbye"), "result"),
        ([ack(0, 50), ack(60, 200), final("hello")], kept(), "a gap"),
        ([ack(0, 200), final("hello"), final("hallo")], None, "with other words"),
    ],
)
def test_a_broken_promise_fails_the_test(
    messages: list[Json], shown: Kept | None, wrong: str
) -> None:
    with pytest.raises(Violation, match=wrong):
        watching(told(*messages), shown=shown).check()


def test_lines_with_histories_of_their_own_are_judged_by_what_they_heard() -> None:
    first, second = told(ack(0, 200)), told(final("hello"), sent=AUDIO[100:])
    watching(first, second, shown=kept()).check()
    with pytest.raises(Violation, match="result: "):
        watching(first, told(final("hallo"), sent=b""), shown=kept()).check()


def test_a_session_that_is_to_tell_no_finals_is_not_missed_any() -> None:
    config = {"receive_final_transcripts": False}
    watching(told(ack(0, 200)), shown=kept(), messages_config=config).check()
