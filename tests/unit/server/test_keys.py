import stat
from pathlib import Path

import pytest

from vivavoce.server.keys import FILE, KeysError, keep, open_key_ring


def test_a_kept_key_opens_the_next_start_and_only_its_hash_is_stored(tmp_path: Path) -> None:
    _, made = open_key_ring(tmp_path, None, loopback=True)
    assert made is not None
    keep(tmp_path, made)
    ring, again = open_key_ring(tmp_path, None, loopback=False)
    assert ring.owner(made) == "default"
    assert again is None
    (stored,) = tmp_path.iterdir()
    assert stat.S_IMODE(stored.stat().st_mode) == 0o600
    assert made not in stored.read_text()


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe noise", b"[1]", b'{"a": 1}'])
def test_damaged_keys_are_named_and_not_replaced(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(KeysError, match=FILE):
        open_key_ring(tmp_path, None, loopback=True)
    assert (tmp_path / FILE).read_bytes() == content


def test_a_planted_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    """The file that it led to was overwritten, and became the keys."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    data = tmp_path / "data"
    data.mkdir()
    (data / f"{FILE}.part").symlink_to(victim)
    keep(data, "vv_made")
    assert victim.read_text() == "precious"
    assert not (data / FILE).is_symlink()
    assert open_key_ring(data, None, loopback=False)[0].owner("vv_made") == "default"
    assert [path.name for path in data.iterdir()] == [FILE]
