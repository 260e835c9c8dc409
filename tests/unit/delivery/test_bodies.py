import json

from vivavoce.delivery.announcement import Announcement, Herald, decode
from vivavoce.delivery.bodies import LEAN_BYTES, callback_body, event_of, lean_body, webhook_body
from vivavoce.protocol import messages as wire
from vivavoce.protocol.request import CallbackConfig, InitRequest
from vivavoce.protocol.transcript import Transcription, Utterance, Word

ID = "0b5e3c1e-9f2e-4d0c-8f4e-6a5b2f9b1c11"
AT = "2026-11-21T10:00:00.000Z"
URL = "https://example.com/hook"
STARTED = wire.StartSession(session_id=ID, created_at=AT)
SPEECH = wire.SpeechStart(session_id=ID, created_at=AT, data=wire.SpeechMoment(0.5, 0))


def closing(words: int) -> wire.PostTranscript:
    utterances = tuple(
        Utterance(
            start=float(n),
            end=n + 1.0,
            confidence=0.5,
            channel=0,
            words=(Word(word=f"word{n}", start=float(n), end=n + 1.0, confidence=0.5),),
            text=f"word{n}",
            language="en",
        )
        for n in range(words)
    )
    text = " ".join(one.text for one in utterances)
    return wire.PostTranscript(
        session_id=ID, created_at=AT, data=Transcription(text, ("en",), utterances)
    )


def herald(request: InitRequest) -> Herald:
    return Herald(ID, "me", request)


def calling(**flags: bool) -> InitRequest:
    return InitRequest(callback=True, callback_config=CallbackConfig(url=URL, **flags))


def announced(request: InitRequest, *said: wire.Message) -> list[Announcement]:
    return [decode(one) for one in herald(request).announcements(*said)]


def test_a_callback_wraps_the_message_byte_for_byte() -> None:
    message = wire.encode(SPEECH)
    body = callback_body(ID, message)
    assert json.loads(body) == {
        "id": ID,
        "event": "live.speech_start",
        "payload": json.loads(message),
    }
    assert message in body


def test_a_webhook_says_which_session_and_no_more() -> None:
    assert json.loads(webhook_body(ID, event_of(wire.encode(STARTED)))) == {
        "event": "live.start_session",
        "payload": {"id": ID},
    }


def test_a_large_message_is_called_back_shortened_with_a_link() -> None:
    body = callback_body(ID, wire.encode(closing(5000)))
    lean = lean_body(body, LEAN_BYTES, "https://speech.example")
    assert len(lean) <= LEAN_BYTES < len(body)
    found = json.loads(lean)
    assert found["link"] == f"https://speech.example/v2/live/{ID}"
    assert found["event"] == "live.post_transcript"
    shortened = wire.decode_server_message(json.dumps(found["payload"]))
    assert isinstance(shortened, wire.PostTranscript)
    assert shortened.data.full_transcript.startswith("word0 word1 ")


def test_what_is_small_or_cannot_shrink_stays_as_it_is() -> None:
    small = callback_body(ID, wire.encode(closing(3)))
    assert lean_body(small, LEAN_BYTES, "") == small
    fixed = callback_body(ID, wire.encode(SPEECH))
    assert lean_body(fixed, 10, "") == fixed


def test_the_callback_flags_say_what_is_announced_and_webhooks_hear_of_a_session_s_life() -> None:
    [life] = announced(InitRequest(), STARTED, SPEECH)
    assert (life.callback, life.lifecycle) == (None, True)
    [life] = announced(calling(), STARTED, SPEECH)
    assert (life.callback, life.lifecycle) == (URL, True)
    [speech] = announced(calling(receive_speech_events=True), SPEECH)
    assert (speech.callback, speech.lifecycle) == (URL, False)
    [life] = announced(calling(receive_lifecycle_events=False), STARTED)
    assert (life.callback, life.lifecycle) == (None, True)


def test_a_configuration_without_callback_calls_nobody_back() -> None:
    quiet = InitRequest(callback_config=CallbackConfig(url=URL, receive_partial_transcripts=True))
    assert announced(quiet, SPEECH, closing(1)) == []
    assert not herald(quiet).wants_partials
    assert herald(calling(receive_partial_transcripts=True)).wants_partials


def test_an_acknowledged_finalize_is_not_called_back() -> None:
    """An extension: the published SDK raises where it reads an event that it does not know."""
    ack = wire.FinalizeAck(session_id=ID, created_at=AT, acknowledged=True)
    assert not announced(calling(receive_acknowledgments=True), ack)
