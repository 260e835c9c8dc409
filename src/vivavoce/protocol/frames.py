"""Messages as text frames that every client accepts: below 1 MiB, however long the session was.

Published clients close the connection at a larger frame, reconnect, and would receive it again.
Only the closing messages grow with a session; the earlier ``transcript`` messages and the stored
result contain what they omit.
"""

from bisect import bisect_right
from collections.abc import Iterator

import msgspec

from vivavoce.protocol.long_messages import (
    in_pieces,
    transcription_of,
    with_transcription,
    without_words,
)
from vivavoce.protocol.messages import Message, encode

MAX_FRAME_BYTES = (1 << 20) - 1

ELLIPSIS = " …"
"""What a transcript ends with that had to be cut."""


def to_frame(message: Message, limit: int = MAX_FRAME_BYTES) -> bytes:
    """The message as JSON of at most ``limit`` bytes.

    Where the whole does not fit, these are left out, one after the other until it fits: the words
    of the utterances, the utterances, the end of the full transcript.
    """
    message = in_pieces(message)
    frame = encode(message)
    if len(frame) <= limit:
        return frame
    for leaner in _leaner(message, limit):
        frame = encode(leaner)
        if len(frame) <= limit:
            break
    return frame


def _leaner(message: Message, limit: int) -> Iterator[Message]:
    """Ever smaller forms of a closing message; nothing for the others, which cannot grow."""
    found = transcription_of(message)
    if found is None:
        return
    yield without_words(message)
    text = msgspec.structs.replace(found, utterances=())
    yield with_transcription(message, text)
    nothing = with_transcription(message, msgspec.structs.replace(text, full_transcript=""))
    cut = _cut(found.full_transcript, limit - len(encode(nothing)))
    yield with_transcription(message, msgspec.structs.replace(text, full_transcript=cut))


def _cut(text: str, room: int) -> str:
    """The longest beginning, up to a word's end, that takes at most ``room`` bytes of JSON."""
    spare = room - len(ELLIPSIS.encode())
    quotes = 2
    fitting = bisect_right(
        range(len(text) + 1), spare, key=lambda length: len(encode(text[:length])) - quotes
    )
    return text[: max(fitting - 1, 0)].rpartition(" ")[0] + ELLIPSIS
