"""Our WebSocket endpoint against the websockets library's own server, byte for byte.

Every case goes to both, and the same is expected of both: the answer to the handshake, messages in
order, pongs, the close code and whether the connection ends. Ours gets each case in many pieces:
whole, byte by byte, and cut at every place where the stream is short.
"""

from collections.abc import Callable
from itertools import cycle

import pytest

from websocket_suite.by_design import DIFFERENT, Verdict, library_verdict, our_verdict
from websocket_suite.cases import Case, cases
from websocket_suite.cuts import variants
from websocket_suite.memory import Application, our_outcome, outcome_through_http
from websocket_suite.oracle import completed, library_outcome
from websocket_suite.outcome import Outcome

CASES = cases()
LEAST = 170
BY_ITS_HEAD = "head only"
"""Frames that we refuse by their first bytes, and the library at their end."""

BYTE_BY_BYTE = 500
"""Bytes up to which the library is given every byte alone, so that frames follow one another."""


def expected(case: Case) -> Outcome:
    """What the library makes of it."""
    head = [bytes((byte,)) for byte in case.handshake]
    rest = case.frames
    if case.size <= BYTE_BY_BYTE:
        rest = tuple(bytes((byte,)) for part in case.frames for byte in part)
    if case.name.endswith(BY_ITS_HEAD):
        rest = (completed(b"".join(rest)),)
    return library_outcome([*head, *rest], case.max_size)


def expected_verdict(case: Case) -> Verdict:
    """What has to become of a handshake."""
    if different := DIFFERENT.get(case.name):
        return different.verdict
    return library_verdict(expected(case))


async def differences(case: Case, takes: Callable[[], bool] | None) -> list[str]:
    """The expected outcome and every way of cutting that has another; nothing if there is none."""
    verdict = expected_verdict(case) if case.only_handshake else None
    wanted, wrong = expected(case), []
    stream = b"".join(case.frames)
    ways = variants(stream, case.frames)
    if case.through_http:
        ways = variants(case.handshake + stream, (case.handshake, *case.frames))
    for how, pieces in ways:
        app = Application(case.hold, takes)
        try:
            if case.through_http:
                found = await outcome_through_http(pieces, app, case.max_size)
            else:
                found = await our_outcome(case.handshake, pieces, app, case.max_size)
        except Exception as error:  # noqa: BLE001  a crash is an outcome, too
            wrong.append(f"{how}: {type(error).__name__}: {error}")
            continue
        if verdict and our_verdict(found) != verdict:
            wrong.append(f"{how}: {our_verdict(found)}: {found}")
        elif not verdict and found != wanted:
            wrong.append(f"{how}: {found}")
    return [f"expected: {verdict or wanted}", *wrong] if wrong else []


def test_there_are_enough_cases() -> None:
    assert len(CASES) >= LEAST
    assert set(DIFFERENT) <= {case.name for case in CASES if case.only_handshake}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_the_library_and_we_make_the_same_of_it(case: Case) -> None:
    wrong = await differences(case, None)
    assert not wrong, "\n".join(wrong[:5])


BINARY_TOO = [case for case in CASES if not case.through_http and case.size < 100_000]


@pytest.mark.parametrize("case", BINARY_TOO, ids=lambda case: case.name)
async def test_the_same_where_audio_is_taken_ahead_of_the_application(case: Case) -> None:
    turns = cycle((True, False, True, True))
    wrong = await differences(case, lambda: next(turns))
    assert not wrong, "\n".join(wrong[:5])
