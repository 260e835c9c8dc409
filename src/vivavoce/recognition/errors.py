"""How a decode can end without a hypothesis."""


class Superseded(Exception):  # noqa: N818 - an outcome that callers expect, not a fault
    """A partial gave way: to a newer one, to its utterance's final, or to the load."""


class DecodeFailedError(Exception):
    """An engine gave no usable answer; asking again would give the same."""


class InvalidHypothesisError(DecodeFailedError):
    """An engine gave an answer that cannot be true."""


class PoisonedError(DecodeFailedError):
    """The audio killed or hung two workers in turn and is not tried again."""


class SessionCancelledError(Exception):
    """The session of the job was cancelled."""


class RecogniserClosedError(Exception):
    """The recogniser was closed before the job was answered."""
