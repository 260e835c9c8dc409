"""A request of the core with the samples it is about: what an engine is asked."""

from collections.abc import Sequence

from vivavoce.recognition.contract import Context, DecodeRequest
from vivavoce.session.ear import Ear
from vivavoce.session.effects import Decode


def decode_request(ear: Ear, asked: Decode, candidates: Sequence[str] = ()) -> DecodeRequest:
    """Take the samples along, which the ear may forget later.

    Args:
        ear: has heard the whole span.
        asked: by the core.
        candidates: languages among which the answer to a question for one has to choose.
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
