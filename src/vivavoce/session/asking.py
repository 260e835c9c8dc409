"""Build an engine's decode request from a request of the core and its samples."""

from collections.abc import Sequence

from vivavoce.recognition.contract import Context, DecodeRequest
from vivavoce.session.ear import Ear
from vivavoce.session.effects import Decode


def decode_request(ear: Ear, asked: Decode, candidates: Sequence[str] = ()) -> DecodeRequest:
    """Build a decode request with a copy of its samples, which the ear may discard later.

    Args:
        ear: the audio front end; it has processed the whole span.
        asked: the core's request.
        candidates: languages to choose from in language identification.
    """
    return DecodeRequest(
        audio=ear.span(asked.channel, asked.start, asked.end),
        purpose=asked.purpose,
        language=asked.language,
        languages=tuple(candidates),
        context=_context(ear, asked),
        speech_start=asked.speech_start - asked.start,
        draft=asked.draft,
    )


def _context(ear: Ear, asked: Decode) -> Context:
    earlier = asked.earlier
    if earlier is None:
        return Context()
    audio = ear.span(asked.channel, earlier.start, asked.start)
    untold = 0 if earlier.untold_from is None else asked.start - earlier.untold_from
    return Context(audio, earlier.finals, untold)
