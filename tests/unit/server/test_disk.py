"""New sessions are refused while the disk has less than its reserve; files are not touched."""

from pathlib import Path

from structlog.testing import capture_logs

from vivavoce.protocol.errors import ApiError
from vivavoce.server.disk import MEBIBYTE, DiskReserve, free_bytes


class Disk:
    """A disk and a clock of ours."""

    def __init__(self) -> None:
        self.free = 1024 * MEBIBYTE
        self.now = 0.0
        self.measured = 0
        self.broken = False
        self.refusals: list[ApiError] = []
        self.reserve = DiskReserve(Path("data"), 512 * MEBIBYTE, lambda: self.now, self.measure)

    def measure(self, folder: Path) -> int:
        assert folder == Path("data")
        self.measured += 1
        if self.broken:
            raise OSError("no such device")
        return self.free

    async def let_in(self, free_mib: int, after: float = 1.0) -> bool:
        self.free = free_mib * MEBIBYTE
        self.now += after
        try:
            await self.reserve.check()
        except ApiError as error:
            self.refusals.append(error)
            return False
        return True


async def test_new_sessions_are_refused_below_the_reserve_and_the_log_says_so_once() -> None:
    disk = Disk()
    with capture_logs() as logged:
        assert [await disk.let_in(free) for free in (512, 511, 10, 511, 512, 2000)] == [
            *(True, False, False, False, True, True)
        ]
    assert [entry["event"] for entry in logged] == ["disk_reserve_reached", "disk_reserve_restored"]
    assert disk.reserve.free == 2000 * MEBIBYTE
    for refusal in disk.refusals:
        assert (refusal.status, refusal.retry_after) == (503, 60)
        assert "less than 512 MiB is free" in refusal.message


async def test_the_disk_is_measured_once_a_second_at_most() -> None:
    disk = Disk()
    assert await disk.let_in(1000)
    assert await disk.let_in(10, after=0.9)
    assert disk.measured == 1
    assert not await disk.let_in(10, after=0.1)


async def test_a_disk_that_cannot_be_measured_refuses_nobody() -> None:
    disk = Disk()
    disk.broken = True
    assert await disk.let_in(0)


async def test_without_a_reserve_nobody_is_refused() -> None:
    reserve = DiskReserve(Path("data"), 0, lambda: 0.0, lambda _: 0)
    await reserve.check()


def test_the_free_space_of_a_real_folder_is_found(tmp_path: Path) -> None:
    assert free_bytes(tmp_path) > 0
