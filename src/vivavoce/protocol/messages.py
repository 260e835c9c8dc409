"""Every message of the socket, both ways. Contract §2.4 and §3."""

import msgspec
from msgspec import UNSET, UnsetType

from vivavoce.protocol.base64_audio import forgiving_decode
from vivavoce.protocol.formats import Index, Instant, Seconds, Uuid
from vivavoce.protocol.json_faults import json_fault
from vivavoce.protocol.request import CallbackConfig, MessagesConfig
from vivavoce.protocol.result import Result
from vivavoce.protocol.transcript import Transcription, Utterance


class Message(msgspec.Struct, frozen=True, tag_field="type", kw_only=True):
    """What every message carries; ``type`` is the tag."""

    session_id: Uuid
    created_at: Instant


class Failure(msgspec.Struct, frozen=True):
    """Why something was refused or failed."""

    message: str
    status_code: int = 500
    exception: str = "InternalServerError"


class ChunkRange(msgspec.Struct, frozen=True):
    """Position of a chunk in the session: bytes ``[a, b)`` as sent, and seconds."""

    byte_range: tuple[Index, Index]
    time_range: tuple[Seconds, Seconds]


class AudioChunkAck(Message, frozen=True, tag="audio_chunk"):
    """The chunk is durable, or was refused."""

    acknowledged: bool
    error: Failure | None = None
    data: ChunkRange | None = None


class RecordingDurations(msgspec.Struct, frozen=True):
    """Seconds received, and seconds of them not yet transcribed."""

    recording_duration: Seconds
    recording_left_to_process: Seconds


class StopRecordingAck(Message, frozen=True, tag="stop_recording"):
    """The stop is durable, or was refused."""

    acknowledged: bool
    error: Failure | None = None
    data: RecordingDurations | None = None


class FinalizedMoment(msgspec.Struct, frozen=True):
    """Position at which open utterances end; channel null: every channel."""

    time: Seconds
    channel: Index | None = None


class FinalizeAck(Message, frozen=True, tag="finalize"):
    """The break is durable, or was refused. An extension."""

    acknowledged: bool
    error: Failure | None = None
    data: FinalizedMoment | None = None


class SpeechMoment(msgspec.Struct, frozen=True):
    """A moment on a channel, in seconds from the session's start."""

    time: Seconds
    channel: Index


class SpeechStart(Message, frozen=True, tag="speech_start"):
    """Speech begins."""

    data: SpeechMoment


class SpeechEnd(Message, frozen=True, tag="speech_end"):
    """Speech ends."""

    data: SpeechMoment


class TranscriptData(msgspec.Struct, frozen=True):
    """One utterance; its partials and its final share the id."""

    id: str
    is_final: bool
    utterance: Utterance
    stable_words: Index | UnsetType = UNSET


class Transcript(Message, frozen=True, tag="transcript"):
    """A partial, which may change, or a final, which does not."""

    data: TranscriptData


class StartSession(Message, frozen=True, tag="start_session"):
    """The session was created."""


class StartRecording(Message, frozen=True, tag="start_recording"):
    """The first audio was received."""


class RecordingDuration(msgspec.Struct, frozen=True):
    """Seconds of audio received."""

    recording_duration: Seconds


class EndRecording(Message, frozen=True, tag="end_recording"):
    """The audio has ended and every final was sent."""

    data: RecordingDuration


class PostTranscript(Message, frozen=True, tag="post_transcript"):
    """The full transcript; shortened if it would exceed 1 MiB.

    First the ``words`` of the utterances are left empty; where that is not enough, ``utterances``;
    then the end of ``full_transcript`` gives way to an ellipsis. The stored result has everything.
    """

    data: Transcription


class PostFinalTranscript(Message, frozen=True, tag="post_final_transcript"):
    """The full result; shortened like the transcript if it would exceed 1 MiB."""

    data: Result


class EndSession(Message, frozen=True, tag="end_session"):
    """The session has ended and its result is stored."""


class ErrorDetail(msgspec.Struct, frozen=True):
    """The code and the text of a fault.

    Attributes:
        code: ``internal_error`` where an utterance could not be transcribed,
            ``partials_withdrawn`` where partials of an utterance were sent and it has no final
            because no speech was confirmed in it; ``message`` names the utterance by its id.
        message: the fault in words.
    """

    code: str
    message: str


class ErrorMessage(Message, frozen=True, tag="error"):
    """A fault that no other message reports."""

    error: Failure
    data: ErrorDetail


ServerMessage = (
    AudioChunkAck
    | StopRecordingAck
    | FinalizeAck
    | SpeechStart
    | SpeechEnd
    | Transcript
    | StartSession
    | StartRecording
    | EndRecording
    | PostTranscript
    | PostFinalTranscript
    | EndSession
    | ErrorMessage
)

GATES: dict[type[Message], str] = {
    AudioChunkAck: "receive_acknowledgments",
    StopRecordingAck: "receive_acknowledgments",
    FinalizeAck: "receive_acknowledgments",
    SpeechStart: "receive_speech_events",
    SpeechEnd: "receive_speech_events",
    StartSession: "receive_lifecycle_events",
    StartRecording: "receive_lifecycle_events",
    EndRecording: "receive_lifecycle_events",
    EndSession: "receive_lifecycle_events",
    PostTranscript: "receive_post_processing_events",
    PostFinalTranscript: "receive_post_processing_events",
    ErrorMessage: "receive_errors",
}


def passes(message: Message, config: MessagesConfig | CallbackConfig) -> bool:
    """Whether the flags let this message through."""
    gate = GATES.get(type(message))
    if gate is not None:
        return bool(getattr(config, gate))
    assert isinstance(message, Transcript)  # noqa: S101  the only one without a gate of its own
    final = message.data.is_final
    return config.receive_final_transcripts if final else config.receive_partial_transcripts


class ChunkData(msgspec.Struct, frozen=True):
    """Base64 on the wire."""

    chunk: bytes


class AudioChunk(msgspec.Struct, frozen=True, tag_field="type", tag="audio_chunk"):
    """Audio in base64, like a binary frame. An empty chunk keeps the connection open."""

    data: ChunkData


class StopRecording(msgspec.Struct, frozen=True, tag_field="type", tag="stop_recording"):
    """End of the audio."""


class FinalizeData(msgspec.Struct, frozen=True, omit_defaults=True):
    """Channel to finalize; null or absent: every channel."""

    channel: Index | None = None


class Finalize(msgspec.Struct, frozen=True, tag_field="type", tag="finalize", omit_defaults=True):
    """End the open utterances after the audio sent before this message. An extension.

    The audio may go on afterwards, in a new utterance.
    """

    data: FinalizeData | None = None

    @property
    def channel(self) -> int | None:
        """The only channel that is meant; None for all of them."""
        return self.data.channel if self.data else None


ClientMessage = AudioChunk | StopRecording | Finalize

encode = msgspec.json.Encoder().encode
decode_server_message = msgspec.json.Decoder[ServerMessage](ServerMessage).decode
_client_message = msgspec.json.Decoder[ClientMessage](ClientMessage)


BAD_CHUNK = "data.chunk must be base64 text"
BAD_FINALIZE = "data.channel must be the number of a channel, or be left out"


class BadMessageError(ValueError):
    """A text frame that is no known message."""


class UnknownTypeError(BadMessageError):
    """A well-formed message of a type that this server does not know."""


class TooLongError(BadMessageError):
    """A long text that holds more than the audio of one ``audio_chunk``."""


class BadChunkError(BadMessageError):
    """An ``audio_chunk`` whose chunk is not base64 text."""


class BadFinalizeError(BadMessageError):
    """A ``finalize`` whose channel is none."""


def parse_client_message(text: str | bytes | bytearray) -> ClientMessage:
    """Read a client's text frame.

    Raises:
        BadMessageError: and its kinds; the text says what is wrong.
    """
    try:
        message: ClientMessage = _client_message.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        if (chunk := _unusual_chunk(text)) is not None:
            return chunk
        raise _bad_message(text, error) from error
    return message


class _ChunkText(msgspec.Struct):
    chunk: str


class _ChunkAsText(msgspec.Struct, tag="audio_chunk"):
    data: _ChunkText


class _Typed(msgspec.Struct):
    type: str


_well_formed = msgspec.json.Decoder[msgspec.Raw](msgspec.Raw)
_typed = msgspec.json.Decoder[_Typed](_Typed)
_chunk_as_text = msgspec.json.Decoder[_ChunkAsText](_ChunkAsText)


def _unusual_chunk(text: str | bytes | bytearray) -> AudioChunk | None:
    """Read an ``audio_chunk`` whose base64 the strict reader refused."""
    try:
        written = _chunk_as_text.decode(text).data.chunk
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return None
    audio = forgiving_decode((written,))
    return None if audio is None else AudioChunk(ChunkData(audio))


def _bad_message(text: str | bytes | bytearray, error: Exception) -> BadMessageError:
    """Name the fault of a text without making objects of what is in it."""
    try:
        _well_formed.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return BadMessageError(f"the message is not valid JSON: {json_fault(text, error)}")
    try:
        kind = _typed.decode(text).type
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        return BadMessageError("the message must be an object with a text field 'type'")
    if kind == "audio_chunk":
        return BadChunkError(BAD_CHUNK)
    if kind == "finalize":
        return BadFinalizeError(BAD_FINALIZE)
    return UnknownTypeError(f"unknown message type '{kind[:40]}'")
