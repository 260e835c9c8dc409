"""Outcomes of a decode without a hypothesis."""


class Superseded(Exception):  # noqa: N818 - an outcome that callers expect, not a fault
    """A partial was dropped for a newer one, for its utterance's final, or because of the load."""


class DecodeFailedError(Exception):
    """An engine returned no usable answer; a retry would end the same way."""


class InvalidHypothesisError(DecodeFailedError):
    """An engine returned an invalid hypothesis."""


class PoisonedError(DecodeFailedError):
    """The audio crashed or hung two workers in a row and is not retried."""


class SessionCancelledError(Exception):
    """The session of the job was cancelled."""


class RecogniserClosedError(Exception):
    """The recogniser was closed before the job was answered."""
