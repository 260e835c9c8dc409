import asyncio
import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from vivavoce.archive.port import NotFoundError, UnavailableError
from vivavoce.archive.recordings import LocalRecordings
from vivavoce.durable import make_own_folder

ID = "45463597-20b7-4af7-b3b3-f5fb778203ab"


async def chunks(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def content(recordings: LocalRecordings, start: int = 0) -> bytes:
    return b"".join([block async for block in recordings.read(ID, start)])


@pytest.fixture
def recordings(tmp_path: Path) -> LocalRecordings:
    return LocalRecordings(tmp_path / "recordings")


async def test_a_recording_reads_back_as_written(recordings: LocalRecordings) -> None:
    parts = [b"RIFF", b"", bytes(range(256)) * 4000]
    assert await recordings.write(ID, chunks(*parts)) == 4 + 1_024_000
    found = await recordings.find(ID)
    assert found.size == 1_024_004
    assert found.path is not None
    assert found.path.read_bytes() == b"".join(parts)
    assert await content(recordings) == b"".join(parts)
    assert await content(recordings, 5) == b"".join(parts)[5:]


async def test_only_the_owner_can_read_a_recording(recordings: LocalRecordings) -> None:
    await recordings.write(ID, chunks(b"x"))
    found = await recordings.find(ID)
    assert found.path is not None
    assert stat.S_IMODE(found.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(found.path.parent.stat().st_mode) == 0o700


async def test_an_interrupted_write_leaves_the_earlier_recording_and_nothing_else(
    recordings: LocalRecordings, tmp_path: Path
) -> None:
    await recordings.write(ID, chunks(b"first"))

    async def breaking() -> AsyncIterator[bytes]:
        yield b"second"
        raise OSError("no more")

    with pytest.raises(UnavailableError, match="no more"):
        await recordings.write(ID, breaking())

    async def endless() -> AsyncIterator[bytes]:
        yield b"third"
        await asyncio.Event().wait()

    writing = asyncio.ensure_future(recordings.write(ID, endless()))
    await asyncio.sleep(0.01)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert await content(recordings) == b"first"
    assert [file.name for file in (tmp_path / "recordings").iterdir()] == [f"{ID}.wav"]


async def test_a_second_write_replaces_the_first(recordings: LocalRecordings) -> None:
    await recordings.write(ID, chunks(b"first"))
    await recordings.write(ID, chunks(b"second"))
    assert await content(recordings) == b"second"


def test_what_a_crash_left_unfinished_is_gone_after_the_next_start(tmp_path: Path) -> None:
    (tmp_path / f"{ID}.wav.abc.part").write_bytes(b"half")
    LocalRecordings(tmp_path)
    assert list(tmp_path.iterdir()) == []


async def test_a_deleted_recording_is_not_found(recordings: LocalRecordings) -> None:
    await recordings.write(ID, chunks(b"x"))
    await recordings.delete(ID)
    await recordings.delete(ID)
    with pytest.raises(NotFoundError):
        await recordings.find(ID)
    with pytest.raises(NotFoundError):
        await content(recordings)


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "x", ID.upper(), f"{{{ID}}}", f"{ID}/.."])
async def test_an_id_that_is_no_plain_uuid_never_becomes_a_path(
    recordings: LocalRecordings, name: str
) -> None:
    for call in (recordings.write(name, chunks(b"x")), recordings.find(name)):
        with pytest.raises(ValueError, match=r"UUID|hexadecimal"):
            await call
    with pytest.raises(ValueError, match=r"UUID|hexadecimal"):
        await recordings.delete(name)
    with pytest.raises(ValueError, match=r"UUID|hexadecimal"):
        await anext(recordings.read(name))


async def test_a_recording_that_is_deleted_while_it_is_read_is_read_to_its_end(
    recordings: LocalRecordings,
) -> None:
    audio = bytes(range(256)) * 4000
    await recordings.write(ID, chunks(audio))
    reading = recordings.read(ID)
    begun = await anext(reading)
    await recordings.delete(ID)
    assert begun + b"".join([block async for block in reading]) == audio
    with pytest.raises(NotFoundError):
        await recordings.find(ID)


async def test_a_folder_that_was_deleted_under_the_server_is_made_again(
    recordings: LocalRecordings, tmp_path: Path
) -> None:
    (tmp_path / "recordings").rmdir()
    await recordings.write(ID, chunks(b"x"))
    assert await content(recordings) == b"x"


async def test_a_planted_link_is_no_recording(recordings: LocalRecordings, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"a secret")
    (tmp_path / "recordings" / f"{ID}.wav").symlink_to(tmp_path / "secret")
    with pytest.raises(NotFoundError):
        await recordings.find(ID)
    with pytest.raises(NotFoundError):
        await content(recordings)


def test_a_folder_that_is_a_link_of_another_user_is_refused(tmp_path: Path) -> None:
    """Recordings went wherever a planted link led."""
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    link = tmp_path / "recordings"
    link.symlink_to(tmp_path / "elsewhere")
    me = os.geteuid()
    make_own_folder(link, me)
    with pytest.raises(PermissionError, match="link"):
        make_own_folder(link, me + 1)
    (tmp_path / "elsewhere").chmod(0o777)
    with pytest.raises(PermissionError, match="link"):
        LocalRecordings(link)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a link to another user")
def test_a_link_that_another_user_has_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    link = tmp_path / "recordings"
    link.symlink_to(tmp_path / "elsewhere")
    os.lchown(link, 65534, 65534)
    with pytest.raises(PermissionError, match="link"):
        LocalRecordings(link)
    assert not list((tmp_path / "elsewhere").iterdir())
