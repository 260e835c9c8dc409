import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.server.websocket.utf8 import Utf8Check


def is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


@given(st.text(max_size=20).map(str.encode) | st.binary(max_size=20), st.lists(st.integers(0, 20)))
def test_any_cut_gives_the_verdict_of_the_whole(data: bytes, cuts: list[int]) -> None:
    check = Utf8Check()
    edges = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    for start, end in itertools.pairwise(edges):
        check.feed(data[start:end])
    assert (check.finish() == "") is is_utf8(data)


@pytest.mark.parametrize("data", [b"ab\xff", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80"])
def test_a_fault_is_known_at_once_and_stays(data: bytes) -> None:
    check = Utf8Check()
    assert not check.feed(data)
    assert not check.feed(b"more")
    assert "position" in check.finish()


def test_a_character_cut_off_by_the_end_is_a_fault() -> None:
    check = Utf8Check()
    assert check.feed("é".encode()[:1])
    assert check.finish()
