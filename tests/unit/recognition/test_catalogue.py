import pytest

from vivavoce.recognition.catalogue import load_catalogue, parse_catalogue
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
name = "wheel"
version = "1"
platform = "any"
sha256 = "{HASH}"
members = {{ "a.bin" = "wheel/a.bin" }}
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
        assert model.licence.spdx == "MIT"
        assert "Permission is hereby granted" in model.licence.read()


def test_models_that_share_a_wheel_name_the_same_bytes() -> None:
    wheels: dict[tuple[str, str, str], set[str]] = {}
    for model in load_catalogue():
        for source in model.sources:
            key = (source.name, source.version, source.platform)
            wheels.setdefault(key, set()).add(source.sha256)
    assert all(len(hashes) == 1 for hashes in wheels.values())


def test_an_entry_becomes_typed_values() -> None:
    model = parse_catalogue(ENTRY).model("one")
    assert model.sources[0].members == {"a.bin": "wheel/a.bin"}
    assert (model.size, model.default, model.engine) == (3, False, None)


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
        ('{ "a.bin" = "wheel/a.bin" }', "{}", "offers no a.bin"),
        ("[[models]]", "[[models", "catalogue is wrong"),
    ],
)
def test_a_wrong_entry_is_refused_with_its_reason(old: str, new: str, reason: str) -> None:
    with pytest.raises(CatalogueError, match=reason):
        parse_catalogue(ENTRY.replace(old, new))


def test_two_models_with_one_id_are_refused() -> None:
    with pytest.raises(CatalogueError, match="same id"):
        parse_catalogue(ENTRY + ENTRY)
