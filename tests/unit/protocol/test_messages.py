import base64

import msgspec
import pytest

from vivavoce.protocol import messages
from vivavoce.protocol.close_codes import CloseCode
from vivavoce.protocol.failures import failure
from vivavoce.protocol.request import CallbackConfig, MessagesConfig
from vivavoce.protocol.transcript import Utterance, Word


def transcript(*, is_final: bool) -> messages.Transcript:
    utterance = Utterance(0.1, 0.5, 0.9, 0, (Word(" Hi.", 0.1, 0.5, 0.9),), " Hi.", "en")
    data = messages.TranscriptData("00_00000000", is_final, utterance)
    return messages.Transcript(session_id="s", created_at="t", data=data)


def test_binary_and_base64_audio_mean_the_same_bytes() -> None:
    audio = bytes(range(256))
    text = msgspec.json.encode(
        {"type": "audio_chunk", "data": {"chunk": base64.b64encode(audio).decode()}}
    )
    message = messages.parse_client_message(text)
    assert isinstance(message, messages.AudioChunk)
    assert message.data.chunk == audio


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("{", messages.BadMessageError),
        ("[]", messages.BadMessageError),
        ('{"type":3}', messages.BadMessageError),
        ('{"no":"type"}', messages.BadMessageError),
        ("[" * 100_000, messages.BadMessageError),
        ('{"type":"audio_chunk"}', messages.BadChunkError),
        ('{"type":"audio_chunk","data":{"chunk":7}}', messages.BadChunkError),
        ('{"type":"audio_chunk","data":{"chunk":"%%%"}}', messages.BadChunkError),
        ('{"type":"audio_chunk","data":{"chunk":"AAAAA"}}', messages.BadChunkError),
        ('{"type":"configure"}', messages.UnknownTypeError),
        ('{"type":"finalize","data":7}', messages.BadFinalizeError),
        ('{"type":"finalize","data":{"channel":"1"}}', messages.BadFinalizeError),
        ('{"type":"finalize","data":{"channel":1.5}}', messages.BadFinalizeError),
    ],
)
def test_a_bad_message_says_what_is_wrong(text: str, kind: type[messages.BadMessageError]) -> None:
    with pytest.raises(messages.BadMessageError) as caught:
        messages.parse_client_message(text)
    assert type(caught.value) is kind
    assert str(caught.value)


@pytest.mark.parametrize(
    ("text", "channel"),
    [
        ('{"type":"finalize"}', None),
        ('{"type":"finalize","data":null}', None),
        ('{"type":"finalize","data":{}}', None),
        ('{"type":"finalize","data":{"channel":null,"new":1}}', None),
        ('{"type":"finalize","data":{"channel":3}}', 3),
    ],
)
def test_finalize_means_every_channel_unless_it_names_one(text: str, channel: int | None) -> None:
    message = messages.parse_client_message(text)
    assert isinstance(message, messages.Finalize)
    assert message.channel == channel
    assert messages.parse_client_message(messages.encode(message)) == message


def test_a_message_carries_every_key_even_where_nothing_is_to_be_said() -> None:
    ack = messages.AudioChunkAck(
        session_id="s", created_at="t", acknowledged=False, error=failure("why", 409)
    )
    assert msgspec.json.decode(messages.encode(ack)) == {
        "type": "audio_chunk",
        "session_id": "s",
        "created_at": "t",
        "acknowledged": False,
        "error": {"message": "why", "status_code": 409, "exception": "ConflictError"},
        "data": None,
    }


def test_defaults_let_finals_speech_and_acks_through_but_no_partials_or_lifecycle() -> None:
    socket, callback = MessagesConfig(), CallbackConfig()
    final, partial = transcript(is_final=True), transcript(is_final=False)
    end = messages.EndSession(session_id="s", created_at="t")
    ack = messages.AudioChunkAck(session_id="s", created_at="t", acknowledged=True)
    every = (final, partial, end, ack)
    assert [messages.passes(m, socket) for m in every] == [True, False, False, True]
    assert [messages.passes(m, callback) for m in every] == [True, False, True, False]


def test_every_message_of_the_server_has_a_gate() -> None:
    kinds = set(messages.Message.__subclasses__()) - {messages.Transcript}
    assert kinds == set(messages.GATES)


def test_a_message_comes_back_as_it_was() -> None:
    message = transcript(is_final=True)
    assert messages.decode_server_message(messages.encode(message)) == message


def test_an_error_of_an_earlier_version_is_read_without_its_status() -> None:
    """Journals keep what was written before errors had one."""
    text = (
        b'{"type":"error","session_id":"s","created_at":"t","error":{"message":"why"},'
        b'"data":{"code":"internal_error","message":"why"}}'
    )
    message = messages.decode_server_message(text)
    assert isinstance(message, messages.ErrorMessage)
    assert (message.error.message, message.error.status_code) == ("why", 500)


def test_every_close_reason_fits_into_a_close_frame() -> None:
    assert all(len(code.reason.encode()) <= 123 for code in CloseCode)
