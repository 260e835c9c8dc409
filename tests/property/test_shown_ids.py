"""Each id that a partial showed gets a final with text, or an error message that names it.

The engine answers at random: texts, nothing, failures, early and late. The process dies at random
too, and goes on from what was committed, with everything that it had shown since forgotten.
"""

import re
from collections.abc import Iterable, Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from vivavoce.protocol.messages import ErrorMessage, Transcript
from vivavoce.recognition.contract import SAMPLE_RATE, Hypothesis, SpokenWord
from vivavoce.session.core import Core, CoreConfig, CoreState
from vivavoce.session.effects import Decode, Effect, Show, Tell
from vivavoce.session.language import LanguageRules
from vivavoce.speech.rules import WINDOW_SAMPLES, EndpointingRules

RUNS = st.lists(
    st.tuples(st.sampled_from([0.0, 0.0, 0.4, 0.9, 0.9]), st.integers(1, 70)),
    min_size=1,
    max_size=12,
)
SCRIPTS = RUNS.map(lambda runs: [value for value, length in runs for _ in range(length)])
CONFIGS = st.builds(
    lambda endpointing, maximum, context, foresee: CoreConfig(
        "s",
        1,
        EndpointingRules.from_settings(
            endpointing=endpointing, maximum_duration=maximum, speech_threshold=0.6
        ),
        partials=True,
        context=context * SAMPLE_RATE,
        languages=LanguageRules(("en",)),
        foresee=foresee,
    ),
    st.sampled_from([0.05, 0.3]),
    st.sampled_from([1, 5]),
    st.sampled_from([0, 15]),
    st.booleans(),
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("hear"), st.integers(1, 20)),
        st.tuples(st.just("answer"), st.integers(0, 5)),
        st.tuples(st.just("crash"), st.just(0)),
    ),
    max_size=80,
)
NAMED = re.compile(r"\d\d_\d{8}")


def said(request: Decode) -> Hypothesis | None:
    """What an engine says: the finals of many utterances are empty or fail."""
    kind = (request.start // WINDOW_SAMPLES) % 3 if request.purpose == "final" else 2
    if kind == 0:
        return None
    if kind == 1:
        return Hypothesis("", (), request.language, 0.0)
    length = request.end - request.start
    words = (SpokenWord(" well", 0, length // 2, 0.9), SpokenWord(" said", length // 2, length, 1))
    return Hypothesis(" well said", words, request.language, 0.9)


class Session:
    """A core with a journal: what was committed survives a crash, what was shown is remembered."""

    def __init__(self, config: CoreConfig, script: list[float]) -> None:
        self._config = config
        self._script = script
        self._committed: tuple[CoreState | None, int] = (None, 0)
        self.core = Core(config)
        self.place = 0
        self.asked: list[Decode] = []
        self.shown: set[str] = set()
        self.answered: list[str] = []

    def apply(self, effects: Iterable[Effect]) -> None:
        told = False
        for effect in effects:
            match effect:
                case Decode():
                    self.asked.append(effect)
                case Show(message=Transcript(data=data)):
                    self.shown.add(data.id)
                case Tell(message=Transcript(data=data)):
                    assert data.utterance.text
                    self.answered.append(data.id)
                    told = True
                case Tell(message=ErrorMessage(data=detail)):
                    self.answered += NAMED.findall(detail.message)
                    told = True
                case Tell():
                    told = True
                case _:
                    pass
        if told:
            self._committed = self.core.state, self.place

    def hear(self, windows: int) -> None:
        heard = self._script[self.place : self.place + windows]
        if heard:
            self.place += len(heard)
            self.apply(self.core.hear([heard], 0))

    def answer(self, which: int) -> None:
        if self.asked:
            request = self.asked.pop(which % len(self.asked))
            self.apply(self.core.take(request, said(request), 0))

    def crash(self) -> None:
        state, self.place = self._committed
        self.core = Core(self._config, state)
        self.asked = list(self.core.resume())

    def end(self) -> None:
        while self.place < len(self._script):
            self.hear(20)
        self.apply(self.core.stop(self.place * WINDOW_SAMPLES, 0))
        while self.asked:
            self.answer(0)


def played(session: Session, steps: Iterable[tuple[str, int]]) -> Iterator[str]:
    """Play the steps and the rest; gives the ids that a client was shown."""
    for step, number in steps:
        match step:
            case "hear":
                session.hear(number)
            case "answer":
                session.answer(number)
            case _:
                session.crash()
    session.end()
    yield from session.shown


@settings(max_examples=300, deadline=None)
@given(CONFIGS, SCRIPTS, STEPS)
def test_each_id_shown_has_a_final_or_an_error_that_names_it(
    config: CoreConfig, script: list[float], steps: list[tuple[str, int]]
) -> None:
    session = Session(config, script)
    for shown in played(session, steps):
        assert shown in session.answered, f"{shown} was shown and never settled"
    assert session.core.finished
    assert len(session.answered) == len(set(session.answered))
