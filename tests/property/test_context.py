"""What an utterance is decoded with is a function of the audio and of the finals before it.

Not of how the audio was cut into pieces, of when and in which order answers came, or of restarts.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from vivavoce.protocol.messages import Transcript
from vivavoce.recognition.contract import SAMPLE_RATE, Hypothesis, SpokenWord
from vivavoce.session.context import QUIET, Earlier
from vivavoce.session.core import Core, CoreConfig, CoreState
from vivavoce.session.effects import Confirm, Decode, Effect, Tell
from vivavoce.speech.rules import WINDOW_SAMPLES, EndpointingRules

RUNS = st.lists(
    st.tuples(st.sampled_from([0.0, 0.0, 0.4, 0.9]), st.integers(1, 90)), min_size=1, max_size=12
)
Break = tuple[int, int]
"""After how many windows an utterance is ended, and on which channel (modulo their number)."""

BREAKS = st.lists(st.tuples(st.integers(0, 400), st.integers(0, 1)), max_size=4)
SCRIPTS = RUNS.map(lambda runs: [value for value, length in runs for _ in range(length)])
CONTEXT = st.sampled_from([0, 2, 5, 15])


def config(context: int, channels: int) -> CoreConfig:
    rules = EndpointingRules.from_settings(
        endpointing=0.05, maximum_duration=5, speech_threshold=0.6
    )
    return CoreConfig("s", channels, rules, partials=False, context=context * SAMPLE_RATE)


def said(request: Decode) -> Hypothesis | None:
    """What an engine would say: sometimes nothing, a doubtful text, or another language."""
    kind = request.end // WINDOW_SAMPLES % 11
    if kind == 0:
        return None
    if kind == 1:
        return Hypothesis("", (), "en", 0.0)
    text = f" from {request.start}" + "".join(request.earlier.finals if request.earlier else ())
    length = request.end - request.start
    middle, end = length // 2, length * 3 // 4  # a stop right before a forced cut would go
    words = (SpokenWord(text, 0, middle, 0.9), SpokenWord(" end.", middle, end, 0.9))
    language = "de" if kind == 2 else "en"
    sure = (None, 0.5, 0.99)[kind % 3]
    return Hypothesis(text + " end.", words, language, 0.9, carries=kind != 3, closing=sure)


class Session:
    """A core that is fed, answered and restored as a test says."""

    def __init__(
        self, config: CoreConfig, script: Sequence[float], breaks: Sequence[Break] = ()
    ) -> None:
        self._config = config
        self._script = script
        self._breaks = sorted(breaks, key=lambda marker: marker[0])
        self._at = 0
        self._core = Core(config)
        self._pending: list[Decode] = []
        self._stopped = False
        self.requests: dict[tuple[int, int], Decode] = {}
        self.finals: dict[str, str] = {}

    def hear(self, windows: int) -> None:
        later = self._breaks[self._core.last_marker :]
        until = min(self._at + windows, *(at for at, _ in later[:1]), len(self._script))
        piece = self._script[self._at : until]
        self._at += len(piece)
        if later and (later[0][0] <= self._at or not piece):
            number, channel = self._core.last_marker + 1, later[0][1] % self._config.channels
            position = self._at * WINDOW_SAMPLES
            self._do(self._core.hear([piece] * self._config.channels, 0) if piece else [])
            self._do(self._core.interrupt(number, channel, position, 0))
        elif piece:
            self._do(self._core.hear([piece] * self._config.channels, 0))
        elif not self._stopped:
            self._stopped = True
            self._do(self._core.stop(self._at * WINDOW_SAMPLES, 0))

    def answer(self, which: int) -> None:
        if self._pending:
            request = self._pending.pop(which % len(self._pending))
            self._do(self._core.take(request, said(request), 0))

    def restart(self) -> None:
        state = msgspec.msgpack.decode(msgspec.msgpack.encode(self._core.state), type=CoreState)
        self._core = Core(self._config, state)
        self._pending = []
        self._do(self._core.resume())

    def finish(self) -> None:
        while not self._stopped:
            self.hear(50)
        while self._pending:
            self.answer(0)
        assert self._core.finished

    @property
    def shown(self) -> set[int]:
        """Where the utterances begin whose finals came out, by the number in their texts."""
        return {int(text.split()[1]) for text in self.finals.values()}

    def _do(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Decode):
                self._pending.append(effect)
                if not effect.foreseen:
                    self._note(effect)
            elif isinstance(effect, Confirm):
                self._note(msgspec.structs.replace(effect.request, foreseen=False))
            elif isinstance(effect, Tell) and isinstance(effect.message, Transcript):
                data = effect.message.data
                assert data.id not in self.finals
                self.finals[data.id] = data.utterance.text

    def _note(self, request: Decode) -> None:
        before = self.requests.setdefault((request.channel, request.utterance), request)
        assert before == request
        first = request.earlier.start if request.earlier else request.start
        assert self._core.keep_from(request.channel) <= first


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("hear"), st.integers(1, 100)),
        st.tuples(st.just("answer"), st.integers(0, 5)),
        st.tuples(st.just("restart"), st.just(0)),
    ),
    max_size=40,
)


def ran(session: Session, steps: Sequence[tuple[str, int]]) -> Session:
    for name, value in steps:
        match name:
            case "hear":
                session.hear(value)
            case "answer":
                session.answer(value)
            case _:
                session.restart()
    session.finish()
    return session


@settings(deadline=None)
@given(script=SCRIPTS, breaks=BREAKS, steps=STEPS, context=CONTEXT, channels=st.integers(1, 2))
def test_requests_and_finals_do_not_depend_on_pieces_answers_and_restarts(
    script: list[float],
    breaks: list[Break],
    steps: list[tuple[str, int]],
    context: int,
    channels: int,
) -> None:
    plain = ran(Session(config(context, channels), script, breaks), [])
    disturbed = ran(Session(config(context, channels), script, breaks), steps)
    assert disturbed.requests == plain.requests
    assert disturbed.finals == plain.finals


@settings(deadline=None)
@given(script=SCRIPTS, context=CONTEXT)
def test_a_context_is_what_was_said_right_before_the_utterance_and_bounded(
    script: list[float], context: int
) -> None:
    session = ran(Session(config(context, 1), script), [])
    requests = [session.requests[key] for key in sorted(session.requests)]
    for index, request in enumerate(requests):
        if request.earlier is None:
            continue
        assert request.end - request.earlier.start <= context * SAMPLE_RATE
        if not request.earlier.finals and request.earlier.untold_from is None:
            assert 0 < request.start - request.earlier.start <= QUIET
            assert all(before.end <= request.earlier.start for before in requests[:index])
            continue
        if request.earlier.untold_from is not None:
            _check_untold(session, requests[:index], request.earlier)
            continue
        served = requests[index - len(request.earlier.finals) : index]
        answers = [answer for answer in map(said, served) if answer]
        assert len({answer.language for answer in answers}) == 1
        if request.earlier.start == served[0].start:
            assert request.earlier.finals == tuple(answer.text for answer in answers)
        else:
            (last,) = answers
            assert request.earlier.start == served[0].start + last.words[1].start
            assert request.earlier.finals == (" end.",)


def _check_untold(session: Session, before: Sequence[Decode], earlier: Earlier) -> None:
    """Trusted finals from the start on, then the first doubted one; none failed in between.

    A text is doubted, too, where the voice did not confirm it: it never was a final.
    """
    near = [request for request in before if request.start >= earlier.start]
    told = near[: len(earlier.finals)]
    answers = [said(request) for request in near]
    assert None not in answers
    assert near[0].start == earlier.start
    assert near[len(told)].start == earlier.untold_from
    assert all(answer and answer.carries and answer.text for answer in map(said, told))
    for request in (near[len(told)], near[-1]):
        assert not (trusted(said(request)) and request.start in session.shown)


def trusted(answer: Hypothesis | None) -> bool:
    return answer is not None and bool(answer.text) and answer.carries


@settings(deadline=None)
@given(script=SCRIPTS, context=CONTEXT)
def test_what_is_kept_only_moves_forward_and_is_bounded(script: list[float], context: int) -> None:
    core = Core(config(context, 1))
    kept = [0]
    for probability in script:
        requests = [e for e in core.hear([[probability]], 0) if isinstance(e, Decode)]
        while requests:
            request = requests.pop()
            requests += [e for e in core.take(request, said(request), 0) if isinstance(e, Decode)]
        kept.append(core.keep_from(0))
        assert core.settled - core.keep_from(0) <= context * SAMPLE_RATE
    assert all(a <= b for a, b in pairwise(kept))


@settings(deadline=None)
@given(script=SCRIPTS)
def test_without_context_nothing_waits_for_an_answer(script: list[float]) -> None:
    core = Core(config(0, 1))
    asked = [*core.hear([script], 0), *core.stop(len(script) * WINDOW_SAMPLES, 0)]
    assert len(list(_decodes(asked))) == core.waiting


def _decodes(effects: Sequence[Effect]) -> Iterator[Decode]:
    return (effect for effect in effects if isinstance(effect, Decode))
