"""Runs the checks on an engine and reports their outcomes."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from vivavoce.recognition.contract import Engine
from vivavoce.testing.engine_checks import CHECKS, Check, Subject


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one check.

    Attributes:
        sentence: description of the check.
        problem: why it failed; empty when it passed.
    """

    sentence: str
    problem: str

    @property
    def passed(self) -> bool:
        """Whether the engine passed the check."""
        return not self.problem


def check_engine(
    load: Callable[[], Engine],
    speech: Sequence[bytes],
    language: str,
    checks: Sequence[Check] = CHECKS,
) -> Iterator[Outcome]:
    """Check an engine against the contract.

    Args:
        load: loads the engine; called several times.
        speech: at least two spans of different lengths with recognisable speech: float32
            little-endian samples, 16 kHz, mono.
        language: code of the language spoken.
        checks: the checks to run, in order.

    Yields:
        The outcome of each check, as soon as it has run.

    Raises:
        ValueError: fewer than two spans of speech.
        RuntimeError: Python runs without assertions (``-O``), so nothing would be checked.
    """
    if not __debug__:
        raise RuntimeError("the checks are assertions: run Python without -O")
    if len(set(map(len, speech))) < 2:  # noqa: PLR2004 # as the message says
        raise ValueError("two spans of speech of different lengths are needed")
    engine = load()
    engine.warm_up()
    subject = Subject(load, speech, language, engine)
    for check in checks:
        yield Outcome(sentence(check), _problem(check, subject))


def sentence(check: Check) -> str:
    """Return the description of a check, from its name."""
    return check.__name__.replace("_", " ")


def _problem(check: Check, subject: Subject) -> str:
    try:
        check(subject)
    except AssertionError as error:
        return str(error) or "it does not hold"
    except Exception as error:  # noqa: BLE001 # an engine under test may raise anything
        return f"{type(error).__name__}: {error}"
    return ""
