import pytest

from vivavoce.protocol.languages import TRANSCRIPTION_CODES
from vivavoce.recognition.catalogue import PackageSource, load_catalogue, parse_catalogue
from vivavoce.recognition.model_errors import CatalogueError, UnknownModelError

HASH = "a" * 64
ENTRY = f"""
[[models]]
id = "one"
task = "transcribe"
summary = "a model"
licence = {{ spdx = "MIT", text = "moonshine.txt" }}
upstream = "somewhere"
[[models.sources]]
kind = "package"
wheels = [{{ name = "wheel", version = "1", platform = "any", sha256 = "{HASH}" }}]
members = {{ "a.bin" = ["wheel/a.bin"] }}
[[models.files]]
name = "a.bin"
size = 3
sha256 = "{HASH}"
"""


def test_the_shipped_catalogue_names_what_a_server_starts_with() -> None:
    tasks = {model.task for model in load_catalogue().defaults()}
    assert tasks == {"transcribe", "voice-activity", "sample"}


def test_every_shipped_model_has_a_licence_text() -> None:
    for model in load_catalogue():
        assert model.licence is not None
        assert model.licence.spdx == "MIT"
        assert "Permission is hereby granted" in model.licence.read()


def test_models_that_share_a_wheel_name_the_same_bytes() -> None:
    wheels: dict[tuple[str, str, str], set[str]] = {}
    for model in load_catalogue():
        for source in model.sources:
            for wheel in source.wheels if isinstance(source, PackageSource) else ():
                key = (wheel.name, wheel.version, wheel.platform)
                wheels.setdefault(key, set()).add(wheel.sha256)
    assert all(len(hashes) == 1 for hashes in wheels.values())


def test_an_entry_becomes_typed_values() -> None:
    model = parse_catalogue(ENTRY).model("one")
    assert model.sources[0].members == {"a.bin": ("wheel/a.bin",)}
    assert (model.size, model.default, model.engine) == (3, False, None)


def test_whisper_knows_every_language_of_the_wire() -> None:
    assert set(load_catalogue().model("whisper-base").languages) == set(TRANSCRIPTION_CODES)


def test_a_hub_source_must_name_a_whole_commit() -> None:
    hub = ENTRY.replace(
        f'wheels = [{{ name = "wheel", version = "1", platform = "any", sha256 = "{HASH}" }}]\n'
        'members = { "a.bin" = ["wheel/a.bin"] }',
        f'repository = "owner/name"\nrevision = "{"b" * 40}"\nmembers = {{ "a.bin" = "a.bin" }}',
    ).replace('kind = "package"', 'kind = "hub"')
    assert str(parse_catalogue(hub).model("one").sources[0]) == "hub:owner/name@bbbbbbbb"
    with pytest.raises(CatalogueError, match="revision"):
        parse_catalogue(hub.replace("b" * 40, "main"))


def test_an_unknown_model_is_answered_with_those_there_are() -> None:
    with pytest.raises(UnknownModelError, match="known: one"):
        parse_catalogue(ENTRY).model("two")


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('id = "one"', 'id = "../one"', "id"),
        ('name = "a.bin"', 'name = "a/../../b"', "name"),
        (HASH, "abc", "sha256"),
        ("size = 3", "size = 0", "size"),
        ('kind = "package"', 'kind = "magic"', "magic"),
        ("summary", "sumary", "sumary"),
        ('{ "a.bin" = ["wheel/a.bin"] }', "{}", "offers no a.bin"),
        ("[[models]]", "[[models", "catalogue is wrong"),
    ],
)
def test_a_wrong_entry_is_refused_with_its_reason(old: str, new: str, reason: str) -> None:
    with pytest.raises(CatalogueError, match=reason):
        parse_catalogue(ENTRY.replace(old, new))


def test_two_models_with_one_id_are_refused() -> None:
    with pytest.raises(CatalogueError, match="same id"):
        parse_catalogue(ENTRY + ENTRY)
