"""A core that foresees finals says what one says that does not, in the same order.

Two cores hear the same. The one that foresees nothing gets each answer when the other has it and
may use it; then both say the same, message by message, and would leave the same checkpoint.
"""

from collections.abc import Iterable, Sequence

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from vivavoce.protocol.messages import Message
from vivavoce.recognition.contract import SAMPLE_RATE, Hypothesis, SpokenWord
from vivavoce.session.core import Core, CoreConfig, CoreState
from vivavoce.session.effects import Abandon, Confirm, Decode, Effect, Tell
from vivavoce.session.language import LanguageRules
from vivavoce.speech.rules import WINDOW_SAMPLES, EndpointingRules

NOW = 1_700_000_000.0
RUNS = st.lists(
    st.tuples(st.sampled_from([0.0, 0.0, 0.4, 0.9, 0.9]), st.integers(1, 70)),
    min_size=1,
    max_size=14,
)
SCRIPTS = RUNS.map(lambda runs: [value for value, length in runs for _ in range(length)])
LANGUAGES = st.sampled_from(
    [
        LanguageRules(("en",)),
        LanguageRules(("en", "fr")),
        LanguageRules(("en", "fr"), switching=True),
    ]
)
CONFIGS = st.builds(
    lambda endpointing, context, languages: CoreConfig(
        "s",
        2,
        EndpointingRules.from_settings(
            endpointing=endpointing, maximum_duration=5, speech_threshold=0.6
        ),
        partials=False,
        context=context * SAMPLE_RATE,
        languages=languages,
    ),
    st.sampled_from([0.05, 0.3, 1.0]),
    st.sampled_from([0, 5, 15]),
    LANGUAGES,
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("hear"), st.integers(1, 40)),
        st.tuples(st.just("hear"), st.integers(1, 3)),
        st.tuples(st.just("answer"), st.integers(0, 5)),
        st.tuples(st.just("fail"), st.integers(0, 5)),
        st.tuples(st.just("late"), st.integers(0, 5)),
        st.tuples(st.just("restart"), st.just(0)),
    ),
    max_size=60,
)


def said(request: Decode) -> Hypothesis | None:
    """What an engine would say: sometimes nothing, or that it fails."""
    kind = request.end // WINDOW_SAMPLES % 11
    if request.purpose == "language":
        return Hypothesis("", (), "fr" if kind % 2 else "en", kind / 10)
    if kind == 0:
        return None
    if kind == 1:
        return Hypothesis("", (), request.language, 0.0)
    text = f" {request.start}" + "".join(request.earlier.finals if request.earlier else ())
    length = request.end - request.start
    words = (SpokenWord(text, 0, length // 2, 0.9), SpokenWord(" end", length // 2, length, 0.9))
    return Hypothesis(text + " end", words, request.language, 0.9, carries=kind != 3)


def plain(request: Decode) -> Decode:
    return msgspec.structs.replace(request, foreseen=False)


class Twins:
    """A core that foresees and one that does not, through the same session."""

    def __init__(self, config: CoreConfig, script: Sequence[float]) -> None:
        self._configs = (config, msgspec.structs.replace(config, foresee=False))
        self._early, self._late = (Core(config) for config in self._configs)
        self._script = script
        self._at = 0
        self._pending: list[Decode] = []
        self._guesses: set[Decode] = set()
        self._dropped: list[Decode] = []
        self.stopped = False

    @property
    def finished(self) -> bool:
        return self.stopped and not self._pending

    def hear(self, windows: int) -> None:
        piece = self._script[self._at : self._at + windows]
        # What the second channel hears ends and pauses elsewhere.
        other = self._script[::-1][self._at : self._at + windows]
        self._at += len(piece)
        if piece:
            early, late = (core.hear([piece, other], NOW) for core in (self._early, self._late))
        elif not self.stopped:
            self.stopped = True
            end = self._at * WINDOW_SAMPLES
            early, late = (core.stop(end, NOW) for core in (self._early, self._late))
        else:
            return
        self._both(early, late)

    def answer(self, which: int) -> None:
        if not self._pending:
            return
        request = self._pending.pop(which % len(self._pending))
        early = self._early.take(request, said(request), NOW)
        if request in self._guesses:
            self._guesses.remove(request)
            assert early == []
            return
        self._both(early, self._late.take(plain(request), said(request), NOW))

    def fail(self, which: int) -> None:
        """A guess has no answer, for whatever reason."""
        if guesses := sorted(self._guesses, key=self._pending.index):
            request = guesses[which % len(guesses)]
            self._guesses.remove(request)
            self._pending.remove(request)
            assert self._early.take(request, None, NOW) == []

    def late(self, which: int) -> None:
        """The answer to what was dropped comes nevertheless."""
        if self._dropped:
            request = self._dropped.pop(which % len(self._dropped))
            if request not in self._pending:
                assert self._early.take(request, said(request), NOW) == []

    def restart(self) -> None:
        copies = (
            msgspec.msgpack.decode(msgspec.msgpack.encode(core.state), type=CoreState)
            for core in (self._early, self._late)
        )
        self._early, self._late = (
            Core(config, state) for config, state in zip(self._configs, copies, strict=True)
        )
        self._pending, self._guesses, self._dropped = [], set(), []
        early, late = self._early.resume(), self._late.resume()
        assert early == late
        self._both(early, late)

    def _both(self, early: Iterable[Effect], late: Iterable[Effect]) -> None:
        for effect in (effects := list(early)):
            match effect:
                case Decode():
                    assert effect not in self._pending
                    self._pending.append(effect)
                    if effect.foreseen:
                        self._guesses.add(effect)
                case Confirm():
                    self._guesses.discard(effect.request)
                    assert (effect.request in self._pending) == (effect.hypothesis is None)
                case Abandon():
                    if effect.request in self._pending:
                        self._pending.remove(effect.request)
                        self._guesses.discard(effect.request)
                        self._dropped.append(effect.request)
                case _:
                    pass
        assert messages(effects) == self._caught_up(late)
        assert self._early.state == self._late.state

    def _caught_up(self, late: Iterable[Effect]) -> list[Message]:
        """What the late core says once it has the answers that the early one has used."""
        found = messages(effects := list(late))
        wanted = {plain(request) for request in self._pending}
        for effect in effects:
            if isinstance(effect, Decode) and effect not in wanted:
                found += self._caught_up(self._late.take(effect, said(effect), NOW))
        return found


def messages(effects: Iterable[Effect]) -> list[Message]:
    return [effect.message for effect in effects if isinstance(effect, Tell)]


@settings(deadline=None, max_examples=300)
@given(config=CONFIGS, script=SCRIPTS, steps=STEPS)
def test_what_is_foreseen_changes_no_message_no_order_and_no_checkpoint(
    config: CoreConfig, script: list[float], steps: list[tuple[str, int]]
) -> None:
    twins = Twins(config, script)
    for name, value in steps:
        match name:
            case "hear":
                twins.hear(value)
            case "answer":
                twins.answer(value)
            case "fail":
                twins.fail(value)
            case "late":
                twins.late(value)
            case _:
                twins.restart()
    while not twins.stopped:
        twins.hear(2)
        twins.answer(1)
    while not twins.finished:
        twins.answer(0)
