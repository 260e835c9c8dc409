from pathlib import Path

import pytest

from tone_transducer import write
from vivavoce.recognition.engines.sherpa_arguments import FILES, VALUES
from vivavoce.recognition.engines.sherpa_families import FAMILIES, arguments, find_family
from vivavoce.recognition.model_errors import CatalogueError


def a_folder(tmp_path: Path, *names: str) -> Path:
    for name in names:
        (tmp_path / name).touch()
    return tmp_path


def test_sherpa_has_every_constructor_and_argument_that_a_family_names() -> None:
    sherpa = pytest.importorskip("sherpa_onnx", reason="the extra [sherpa] is not installed")
    for family in FAMILIES:
        kind = sherpa.OnlineRecognizer if family.streaming else sherpa.OfflineRecognizer
        code = getattr(kind, family.constructor).__func__.__code__
        known = code.co_varnames[: code.co_argcount]
        named = {*family.roles, *family.folders, *dict(family.arguments), "num_threads"}
        assert named <= set(known), family.name
        assert family.language is None or family.language in known


TOKENS = ("encoder.onnx", "decoder.onnx", "joiner.onnx", "tokens.txt")
TRANSDUCER = {"family": "transducer", "streaming": False}


@pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "a/../../secret", "link", "", 7])
@pytest.mark.parametrize("role", ["tokens", "encoder"])
def test_a_description_names_no_file_outside_of_its_folder(
    tmp_path: Path, role: str, name: object
) -> None:
    """``files.tokens = "../../etc/passwd"`` was read."""
    (tmp_path / "secret").touch()
    (tmp_path / "model").mkdir()
    folder = a_folder(tmp_path / "model", *TOKENS)
    (folder / "link").symlink_to(tmp_path / "secret")
    options = TRANSDUCER | {"files": {role: name}}
    with pytest.raises(CatalogueError, match="sherpa"):
        arguments(find_family(options, folder), options, folder)


@pytest.mark.parametrize(
    "given",
    [
        {"hotwords_file": "/etc/passwd"},
        {"rule_fsts": "own.fst,../secret"},
        {"trt_engine_cache_path": "/var"},
        {"tokens": "/etc/passwd"},
        {"encoder": "/etc/passwd"},
        {"nowhere": 1},
        {"decoding_method": ["greedy_search"]},
        "decoding_method",
    ],
)
def test_a_description_gives_known_arguments_and_files_of_its_own_alone(
    tmp_path: Path, given: object
) -> None:
    folder = a_folder(tmp_path, *TOKENS)
    options = TRANSDUCER | {"arguments": given}
    with pytest.raises(CatalogueError, match="sherpa"):
        arguments(find_family(options, folder), options, folder)


def test_what_a_description_may_say_is_passed_on(tmp_path: Path) -> None:
    folder = a_folder(tmp_path, *TOKENS, "a.fst", "b.fst")
    given = {"decoding_method": "modified_beam_search", "rule_fsts": "a.fst,b.fst", "use_itn": True}
    options = TRANSDUCER | {"arguments": given, "files": {"tokens": "tokens.txt"}}
    found = arguments(find_family(options, folder), options, folder)
    assert found["decoding_method"] == "modified_beam_search"
    assert found["rule_fsts"] == f"{folder}/a.fst,{folder}/b.fst"
    assert found["use_itn"] is True
    assert found["tokens"] == f"{folder}/tokens.txt"


def test_sherpa_has_no_argument_of_which_it_is_not_decided_whether_a_model_may_give_it() -> None:
    sherpa = pytest.importorskip("sherpa_onnx", reason="the extra [sherpa] is not installed")
    decided = VALUES | FILES | {"tokens", "debug"}
    for family in FAMILIES:
        kind = sherpa.OnlineRecognizer if family.streaming else sherpa.OfflineRecognizer
        code = getattr(kind, family.constructor).__func__.__code__
        theirs = set(code.co_varnames[1 : code.co_argcount])
        left = theirs - decided - set(family.roles) - set(family.folders)
        assert all(name.startswith("trt_") for name in left), family.name


def test_no_family_that_sherpa_has_is_forgotten() -> None:
    sherpa = pytest.importorskip("sherpa_onnx", reason="the extra [sherpa] is not installed")
    for streaming, kind in ((True, sherpa.OnlineRecognizer), (False, sherpa.OfflineRecognizer)):
        theirs = {name for name in vars(kind) if name.startswith("from_")}
        ours = {family.constructor for family in FAMILIES if family.streaming is streaming}
        assert theirs == ours


@pytest.mark.parametrize("streaming", [True, False])
def test_a_transducer_is_told_by_its_files_and_what_they_say(
    tmp_path: Path, *, streaming: bool
) -> None:
    pytest.importorskip("onnxruntime", reason="the extra [server] is not installed")
    family = find_family({}, write(tmp_path, streaming=streaming))
    assert (family.name, family.streaming) == ("transducer", streaming)


def test_of_two_precisions_the_small_one_is_taken(tmp_path: Path) -> None:
    names = ("encoder-a.onnx", "encoder-a.int8.onnx", "decoder-a.onnx", "joiner-a.int8.onnx")
    folder = a_folder(tmp_path, *names, "tokens.txt")
    family = find_family({"family": "transducer", "streaming": True}, folder)
    given = arguments(family, {}, folder)
    assert Path(given["encoder"]).name == "encoder-a.int8.onnx"
    assert Path(given["decoder"]).name == "decoder-a.onnx"
    assert given["num_threads"] == 1


def test_the_four_files_of_moonshine_are_told_apart(tmp_path: Path) -> None:
    names = ("preprocess.onnx", "encode.int8.onnx", "uncached_decode.int8.onnx")
    folder = a_folder(tmp_path, *names, "cached_decode.int8.onnx", "tokens.txt")
    family = find_family({}, folder)
    given = arguments(family, {}, folder)
    assert {role: Path(given[role]).name for role in family.roles} == {
        "preprocessor": "preprocess.onnx",
        "encoder": "encode.int8.onnx",
        "uncached_decoder": "uncached_decode.int8.onnx",
        "cached_decoder": "cached_decode.int8.onnx",
    }


def test_options_name_files_and_arguments(tmp_path: Path) -> None:
    folder = a_folder(tmp_path, "a.onnx", "b.onnx", "words.txt")
    options = {
        "family": "sense_voice",
        "files": {"model": "b.onnx", "tokens": "words.txt"},
        "arguments": {"use_itn": False},
    }
    given = arguments(find_family(options, folder), options, folder)
    assert given["model"].endswith("b.onnx")
    assert given["tokens"].endswith("words.txt")
    assert given["use_itn"] is False


@pytest.mark.parametrize(
    ("options", "names", "reason"),
    [
        ({}, ("model.onnx",), "say which family"),
        ({"family": "parrot"}, (), "no family 'parrot'"),
        ({"family": "transducer"}, (), "streaming = true or false"),
        ({"family": "moonshine_v2"}, ("encoder.onnx",), "no file looks like the decoder"),
        ({"family": "tdnn_ctc"}, ("a.onnx", "b.onnx"), "several files could be the model"),
        ({"family": "tdnn_ctc"}, ("a.onnx",), "has no tokens.txt"),
    ],
)
def test_what_cannot_be_opened_is_told(
    tmp_path: Path, options: dict[str, object], names: tuple[str, ...], reason: str
) -> None:
    folder = a_folder(tmp_path, *names)
    with pytest.raises(CatalogueError, match=reason):
        arguments(find_family(options, folder), options, folder)
