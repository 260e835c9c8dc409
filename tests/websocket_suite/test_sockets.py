"""Each case once over a real socket: our server, and the library's in the same way.

The second shows that the suite's picture of the library is the library as it is.
"""

import pytest

from websocket_suite.by_design import library_verdict, our_verdict
from websocket_suite.cases import Case
from websocket_suite.sockets import library_server, our_server, outcome_over_socket
from websocket_suite.test_raw_bytes import BY_ITS_HEAD, CASES, expected, expected_verdict


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_our_server_over_a_socket(case: Case) -> None:
    messages: list[str | bytes] = []
    parts = case.handshake, *case.frames
    if case.hold:
        parts = (b"".join(parts),)
    async with our_server(case, messages) as port:
        wanted = expected(case)
        if case.only_handshake and expected_verdict(case) == "ordinary":
            wanted.status, wanted.ended = 404, False
        found = await outcome_over_socket(port, parts, messages, wanted)
    if case.only_handshake:
        assert our_verdict(found) == expected_verdict(case), str(found)
    else:
        assert str(found) == str(wanted)


AS_THE_LIBRARY = [case for case in CASES if not case.name.endswith(BY_ITS_HEAD)]


@pytest.mark.parametrize("case", AS_THE_LIBRARY, ids=lambda case: case.name)
async def test_the_library_over_a_socket(case: Case) -> None:
    messages: list[str | bytes] = []
    async with library_server(case, messages) as port:
        wanted = expected(case)
        found = await outcome_over_socket(port, (case.handshake, *case.frames), messages, wanted)
    if case.only_handshake:
        assert library_verdict(found) == library_verdict(wanted)
    else:
        assert str(found) == str(wanted)
