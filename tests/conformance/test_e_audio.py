"""E. Audio and acknowledgements: every way to send audio, and what is said of each chunk."""

import json
from contextlib import suppress
from datetime import datetime

from websockets.exceptions import ConnectionClosed

from conformance.support import ENGLISH, MIB, SECOND, Run, finish, mono, run
from integration.speech import BEST, TIMES, WHOLE, pieces, spoken
from integration.wire import Api, Json, acks, line, of_type, session, spoken_through, text
from vivavoce.audio.format import AudioFormat
from wav_files import header

CHUNK = 3200


def ranges(messages: list[Json]) -> list[list[int]]:
    """The byte ranges of the acknowledgements."""
    return [ack["data"]["byte_range"] for ack in acks(messages)]


async def test_065_binary_audio_is_accepted(api: Api, plain: Run) -> None:
    """Binary audio is accepted."""
    async with session(api, **ENGLISH) as (made, talking):
        await finish(talking, pieces(mono(TIMES), CHUNK))
    assert all(ack["acknowledged"] for ack in acks(talking.heard))
    assert (await api.done(made.id))["result"]["transcription"] == plain.result["transcription"]


async def test_066_base64_audio_is_the_same_as_binary(api: Api, plain: Run) -> None:
    """Base64 JSON audio is accepted and gives the same transcript and offsets as binary."""
    async with session(api, **ENGLISH) as (made, talking):
        for piece in pieces(plain.audio, 6400):
            await talking.send_text(piece)
        await finish(talking)
    assert ranges(talking.heard) == ranges(plain.messages)
    assert (await api.done(made.id))["result"]["transcription"] == plain.result["transcription"]


async def test_067_binary_and_base64_may_alternate(api: Api, plain: Run) -> None:
    """Both kinds may alternate on one socket."""
    async with session(api, **ENGLISH) as (made, talking):
        for index, piece in enumerate(pieces(plain.audio, 6400)):
            await (talking.send_text(piece) if index % 2 else talking.socket.send(piece))
        await finish(talking)
    assert ranges(talking.heard) == ranges(plain.messages)
    assert (await api.recording(made.id)).endswith(plain.audio)


async def test_068_every_chunk_is_acknowledged(plain: Run) -> None:
    """Every chunk is acknowledged while `receive_acknowledgments` is on."""
    found = acks(plain.messages)
    assert len(found) == len(pieces(plain.audio, 6400))
    assert all(ack["acknowledged"] and ack["error"] is None for ack in found)


async def test_069_the_first_ack_of_a_3200_byte_chunk(api: Api) -> None:
    """First ack of a 3200-byte chunk: `byte_range [0,3200]`, `time_range [0,0.1]` at 16 kHz/16 bit/mono."""  # noqa: E501
    async with session(api) as (_, talking):
        await talking.send([bytes(CHUNK)])
        assert (await talking.next("audio_chunk"))["data"] == {
            "byte_range": [0, 3200],
            "time_range": [0, 0.1],
        }
        await finish(talking)


async def test_070_byte_ranges_cover_every_byte_in_order(api: Api) -> None:
    """`byte_range[1]` never decreases and equals all bytes received."""
    sizes = (3200, 1, 0, 6399, 100_000, 7, 2)
    async with session(api) as (_, talking):
        await finish(talking, [bytes(size) for size in sizes])
    position = 0
    for size, (start, end) in zip(sizes, ranges(talking.heard), strict=True):
        assert (start, end) == (position, position + size)
        position = end


async def test_071_an_ack_has_all_its_keys(api: Api) -> None:
    """Ack has `session_id`, `created_at`, `acknowledged`, `error`, `type`, `data`."""
    async with session(api) as (made, talking):
        await talking.send([bytes(CHUNK)])
        await talking.socket.send("{}")
        await finish(talking)
    good, bad = acks(talking.heard)
    for ack in (good, bad):
        assert set(ack) == {"session_id", "created_at", "acknowledged", "error", "type", "data"}
        assert ack["session_id"] == made.id
        assert datetime.fromisoformat(ack["created_at"]).tzinfo
    assert (good["acknowledged"], good["error"]) == (True, None)
    assert (bad["acknowledged"], bad["data"]) == (False, None)


async def test_072_an_empty_chunk_is_acknowledged(api: Api) -> None:
    """An empty chunk gives `acknowledged:true` with an empty range."""
    async with session(api) as (_, talking):
        await talking.send_text(b"")
        await talking.send([bytes(CHUNK), b""])
        await talking.send_text(b"")
        await finish(talking)
    assert ranges(talking.heard) == [[0, 0], [0, CHUNK], [CHUNK, CHUNK], [CHUNK, CHUNK]]
    assert all(ack["acknowledged"] for ack in acks(talking.heard))


async def test_073_bad_messages_are_refused_one_by_one(api: Api) -> None:
    """Invalid base64 or a bad message gives `acknowledged:false`, `error.message`, `data:null`, and the socket stays open."""  # noqa: E501
    bad = ['{"type":"audio_chunk","data":{"chunk":"%%%"}}', "no json", "[1]", "{}", '{"type":1}']
    bad += ['{"type":"audio_chunk"}', '{"type":"audio_chunk","data":{"chunk":7}}', "[" * 100_000]
    async with session(api, **ENGLISH) as (_, talking):
        for frame in bad:
            await talking.socket.send(frame)
            refused = await talking.next("audio_chunk")
            assert (refused["acknowledged"], refused["data"]) == (False, None), frame
            assert refused["error"]["message"]
        assert "times" in text(await finish(talking, pieces(mono(BEST), CHUNK)))
    assert talking.close_code == 1000


async def test_074_an_unknown_type_does_no_harm(api: Api) -> None:
    """Unknown `type` from the client does not close the socket."""
    async with session(api, **ENGLISH) as (_, talking):
        await talking.socket.send(json.dumps({"type": "start_dancing", "data": {"to": "waltz"}}))
        assert "times" in text(await finish(talking, pieces(mono(BEST), CHUNK)))
    assert "start_dancing" in of_type(talking.heard, "error")[0]["error"]["message"]
    assert talking.close_code == 1000


async def test_075_chunks_need_not_hold_whole_frames(api: Api) -> None:
    """Chunks not aligned to a frame are joined correctly (24-bit mono in odd pieces)."""
    clip = spoken(BEST, AudioFormat(bit_depth=24))
    odd, whole = [
        await spoken_through(api, clip.pieces(size), **clip.init, **ENGLISH)
        for size in (1601, 4800)
    ]
    assert text(odd[1].heard) == text(whole[1].heard)
    assert (await api.recording(odd[0].id)).endswith(clip.audio)


async def test_076_a_wav_header_is_no_sound(api: Api) -> None:
    """A leading WAV header is not transcribed as sound and is counted in bytes."""
    clip = spoken(BEST)
    head = header(clip.format)
    bare = await run(api, clip.audio)
    made, talking = await spoken_through(api, clip.prefixed(head).pieces(), **ENGLISH)
    assert ranges(talking.heard)[-1][1] == len(head) + len(clip.audio)
    assert acks(talking.heard)[-1]["data"]["time_range"][1] == round(len(clip.audio) / SECOND, 3)
    job = await api.done(made.id)
    assert job["result"]["transcription"] == bare.result["transcription"]
    assert job["result"]["metadata"]["audio_duration"] == round(len(clip.audio) / SECOND, 3)
    assert await api.recording(made.id) == bare.recording


async def test_077_frames_of_a_mebibyte_are_accepted(api: Api) -> None:
    """Frames up to 1 MiB are accepted."""
    audio = mono(WHOLE)[:MIB]
    assert len(audio) == MIB
    whole = await run(api, audio, chunk=MIB)
    assert ranges(whole.messages) == [[0, MIB]]
    assert whole.recording.endswith(audio)


async def test_078_larger_frames_do_not_end_the_session(api: Api) -> None:
    """A larger frame is either processed or closed with 1009, and the session stays resumable."""
    large = bytes(2 * MIB)
    async with session(api, **ENGLISH) as (made, talking):
        await talking.send([large])
        await talking.acknowledged(len(large))
        with suppress(ConnectionClosed):  # perhaps while the frame is still on its way
            await talking.send([bytes(33 * MIB)])
        await talking.rest()
        assert talking.close_code == 1009
        async with line(made.url) as again:
            assert "times" in text(await finish(again, pieces(mono(BEST), CHUNK)))
            assert again.close_code == 1000
        assert acks(again.heard)[0]["data"]["byte_range"] == [2 * MIB, 2 * MIB + CHUNK]
