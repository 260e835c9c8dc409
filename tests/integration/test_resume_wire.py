"""Resuming as the server's side of the wire shows it: ranges, positions, two lines at once."""

import random
from itertools import pairwise

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from integration.server_process import ServerProcess
from integration.speech import BEGINNING, pieces, spoken
from integration.wire import Api, Json, Line, acks, line, session

PIECE = 3200
REPLACED, GAP = 4409, 4416


def noise(size: int, seed: int = 0) -> bytes:
    return random.Random(seed).randbytes(size)


def ranges(talking: Line) -> list[list[int]]:
    return [ack["data"]["byte_range"] for ack in acks(talking.heard)]


async def test_what_comes_again_is_acknowledged_again_and_never_with_a_lower_end(api: Api) -> None:
    audio = noise(10 * PIECE)
    async with session(api) as (made, first):
        await first.send(pieces(audio[: 6 * PIECE], PIECE))
        await first.acknowledged(6 * PIECE)
        first.drop()
    async with line(made.url) as second:  # as if the last three acks had been lost
        await second.send(pieces(audio[3 * PIECE :], PIECE))
        await second.stop()
        await second.rest()
    found = ranges(second)
    assert [start for start, _ in found] == [at * PIECE for at in range(3, 10)]
    assert [end for _, end in found] == [max(at, 6) * PIECE for at in range(4, 11)]
    assert (await api.recording(made.id)).endswith(audio)
    assert len(await api.recording(made.id)) == len(audio) + 44


@pytest.mark.parametrize("lost", [1, 5, 20])
async def test_acks_that_a_killed_server_did_not_send_double_nothing(
    own: ServerProcess, lost: int
) -> None:
    audio = spoken(BEGINNING).audio[: 30 * PIECE]
    api = Api(own.url)
    async with session(api) as (made, first):
        await first.send(pieces(audio[: 25 * PIECE], PIECE))
        await first.acknowledged(25 * PIECE)
        own.kill()
        await first.rest()
    own.start()
    async with line(made.url) as second:
        await second.send(pieces(audio[(25 - lost) * PIECE :], PIECE))
        await second.stop()
        await second.rest()
    assert (await api.recording(made.id))[44:] == audio


async def test_one_large_message_with_everything_again_is_understood(api: Api) -> None:
    audio = noise(600_000)
    async with session(api) as (made, first):
        await first.send(pieces(audio[:500_000], PIECE))
        await first.acknowledged(500_000)
        first.drop()
    async with line(made.url) as second:
        await second.send_text(audio[100_000:])
        await second.stop()
        await second.rest()
    assert ranges(second) == [[100_000, 600_000]]
    assert (await api.recording(made.id))[44:] == audio


async def test_a_keepalive_before_the_resent_audio_changes_nothing(api: Api) -> None:
    audio = noise(6 * PIECE)
    async with session(api) as (made, first):
        await first.send(pieces(audio[: 4 * PIECE], PIECE))
        await first.acknowledged(4 * PIECE)
        first.drop()
    async with line(made.url) as second:
        await second.send([b"", audio[2 * PIECE :]])
        await second.stop()
        await second.rest()
    assert ranges(second) == [[4 * PIECE, 4 * PIECE], [2 * PIECE, 6 * PIECE]]
    assert (await api.recording(made.id))[44:] == audio


async def test_a_stop_places_what_was_held_back(api: Api) -> None:
    async with session(api) as (made, first):
        await first.send([bytes(10 * PIECE)])
        await first.acknowledged(10 * PIECE)
        first.drop()
    async with line(made.url) as second:  # silence tells nothing: it is held until the stop
        await second.send([bytes(PIECE)])
        await second.stop()
        await second.rest()
    assert ranges(second) == [[10 * PIECE, 11 * PIECE]]
    assert (await api.recording(made.id))[44:] == bytes(11 * PIECE)


async def test_a_stated_position_needs_no_guess(api: Api) -> None:
    audio = bytes(10 * PIECE)
    async with session(api) as (made, first):
        await first.send(pieces(audio[: 6 * PIECE], PIECE))
        await first.acknowledged(6 * PIECE)
        first.drop()
    async with line(f"{made.url}&position={2 * PIECE}") as second:
        await second.send(pieces(audio[2 * PIECE :], PIECE))
        await second.stop()
        await second.rest()
    assert ranges(second)[-1] == [9 * PIECE, 10 * PIECE]
    assert (await api.recording(made.id))[44:] == audio


async def test_a_gap_is_refused_with_the_position_to_go_on_at(api: Api) -> None:
    async with session(api) as (made, first):
        await first.send([noise(PIECE)])
        await first.acknowledged(PIECE)
        async with line(f"{made.url}&position={PIECE + 2}") as second:
            [error] = await second.rest()
    assert second.close_code == GAP
    assert error["type"] == "error"
    assert error["data"]["code"] == "audio_gap"
    assert str(PIECE) in error["data"]["message"]


@pytest.mark.parametrize("position", ["", "-1", "1.5", "x", "9" * 40])
async def test_a_position_that_is_none_is_refused_in_the_handshake(api: Api, position: str) -> None:
    made = await api.create()
    with pytest.raises(InvalidStatus) as refused:
        async with line(f"{made.url}&position={position}"):
            pass
    answer = refused.value.response
    assert answer.status_code == httpx.codes.BAD_REQUEST
    assert b"position must be a number of bytes" in answer.body


async def test_other_audio_in_a_resend_is_kept_behind_what_was_stored_first(api: Api) -> None:
    audio = noise(6 * PIECE)
    other = audio[2 * PIECE : 3 * PIECE] + noise(3 * PIECE, 1)
    async with session(api) as (made, first):
        await first.send(pieces(audio, PIECE))
        await first.acknowledged(6 * PIECE)
        first.drop()
    async with line(made.url) as second:
        await second.send(pieces(other, PIECE))
        await second.stop()
        await second.rest()
    assert (await api.recording(made.id))[44:] == audio + other[PIECE:]


async def test_a_line_that_takes_over_again_and_again_mixes_nothing(api: Api) -> None:
    audio = noise(60 * PIECE)
    made = await api.create()
    lines: list[Line] = []
    at = 0
    for turn in range(12):
        async with line(made.url) as talking:
            lines.append(talking)
            # It sends from its last ack on, and is replaced in the middle of it.
            await talking.send(pieces(audio[at : at + (turn % 4 + 2) * 2 * PIECE], PIECE // 2))
            async with line(made.url) as thief:
                await talking.rest()
                assert talking.close_code == REPLACED
                thief.drop()
        at = max([at, *(end for _, end in ranges(talking))])
    async with line(made.url) as last:
        await last.send(pieces(audio[at:], PIECE))
        await last.stop()
        await last.rest()
    assert (await api.recording(made.id))[44:] == audio
    told: list[Json] = [ack for talking in [*lines, last] for ack in acks(talking.heard)]
    ends = [ack["data"]["byte_range"][1] for ack in told]
    assert all(before <= after for before, after in pairwise(ends))
