from collections.abc import Callable

import msgspec
import pytest

from contract_defaults import DEFAULTS
from vivavoce.protocol.request import InitRequest, parse_init
from vivavoce.protocol.validation import InvalidParametersError, MalformedJsonError


def faults(body: object) -> tuple[str, ...]:
    with pytest.raises(InvalidParametersError) as caught:
        parse_init(msgspec.json.encode(body))
    return caught.value.faults


def vocabulary(*entries: object) -> dict[str, object]:
    return {"realtime_processing": {"custom_vocabulary_config": {"vocabulary": entries}}}


def spellings(dictionary: dict[str, object]) -> dict[str, object]:
    return {"realtime_processing": {"custom_spelling_config": {"spelling_dictionary": dictionary}}}


def targets(*codes: str) -> dict[str, object]:
    return {"realtime_processing": {"translation_config": {"target_languages": codes}}}


BOUNDED: dict[str, tuple[int, Callable[[int], object]]] = {
    "language_config.languages": (
        100,
        lambda n: {"language_config": {"languages": ["en"] * n}},
    ),
    "realtime_processing.translation_config.target_languages": (
        100,
        lambda n: targets(*["fr"] * n),
    ),
    "realtime_processing.custom_vocabulary_config.vocabulary": (
        1000,
        lambda n: vocabulary(*['a,["\\'] * n),
    ),
    "realtime_processing.custom_vocabulary_config.vocabulary.1.pronunciations": (
        50,
        lambda n: vocabulary("a", {"value": "b", "pronunciations": ["c"] * n}),
    ),
    "realtime_processing.custom_spelling_config.spelling_dictionary": (
        1000,
        lambda n: spellings({f"{number}": ["a", 'b"'] for number in range(n)}),
    ),
    "realtime_processing.custom_spelling_config.spelling_dictionary.a": (
        50,
        lambda n: spellings({"a": ["b"] * n}),
    ),
}


@pytest.mark.parametrize("field", BOUNDED)
def test_lists_and_dictionaries_have_a_bound_that_the_fault_names(field: str) -> None:
    most, body = BOUNDED[field]
    parse_init(msgspec.json.encode(body(most)))
    for more in (most + 1, 30_000):  # the second is more than is read at all
        assert faults(body(more)) == (f"{field} must contain no more than {most} elements",)


@pytest.mark.parametrize(
    "body",
    [
        {"unknown": [[]] * 30_000},
        {"custom_metadata": dict.fromkeys(map(str, range(30_000)), 1)},
        vocabulary([[]] * 30_000),
        vocabulary(*[{"value": "a", "more": [1] * 30}] * 999),
        {"channels": [1] * 30_000},
        [1] * 30_000,
    ],
)
def test_a_body_of_too_many_values_is_refused_whatever_holds_them(body: object) -> None:
    assert faults(body) == ("the body must contain no more than 20000 values",)


def test_long_texts_are_no_values() -> None:
    context = {"target_languages": ["fr"], "context": "word " * 100_000}
    parse_init(msgspec.json.encode({"realtime_processing": {"translation_config": context}}))


def test_a_body_of_many_values_that_is_no_json_is_malformed() -> None:
    with pytest.raises(MalformedJsonError):
        parse_init(b"[" + b"1," * 30_000)


@pytest.mark.parametrize("body", [b"", b"{}", b'{"endpointing":null,"language_config":null}'])
def test_an_empty_or_null_field_takes_its_default(body: bytes) -> None:
    assert parse_init(body) == InitRequest()


def test_defaults_are_those_of_the_contract() -> None:
    shown = msgspec.json.decode(msgspec.json.encode(parse_init(b"{}")))
    assert shown == DEFAULTS


@pytest.mark.parametrize(
    ("field", "below", "least", "most", "above"),
    [
        ("channels", 0, 1, 8, 9),
        ("endpointing", 0.009, 0.01, 10, 10.1),
        ("maximum_duration_without_endpointing", 4.9, 5, 60, 61),
    ],
)
def test_a_range_includes_its_ends_only(
    field: str, below: float, least: float, most: float, above: float
) -> None:
    for value in (least, most):
        assert getattr(parse_init(msgspec.json.encode({field: value})), field) == value
    assert faults({field: below}) == (f"{field} must not be less than {least:g}",)
    assert faults({field: above}) == (f"{field} must not be greater than {most:g}",)


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (
            {"sample_rate": 12345},
            "sample_rate must be one of the following values: 8000, 16000, 32000, 44100, 48000",
        ),
        ({"bit_depth": 12}, "bit_depth must be one of the following values: 8, 16, 24, 32"),
        ({"bit_depth": True}, "bit_depth must be one of the following values: 8, 16, 24, 32"),
        ({"channels": True}, "channels must be an integer"),
        ({"channels": 1.5}, "channels must be an integer"),
        ({"endpointing": "0.1"}, "endpointing must be a number"),
        ({"callback": 1}, "callback must be a boolean"),
        ({"model": 5}, "model must be a string"),
        ({"language_config": []}, "language_config must be an object"),
        ({"language_config": {"languages": "en"}}, "language_config.languages must be an array"),
        (
            {"pre_processing": {"speech_threshold": 1.1}},
            "pre_processing.speech_threshold must not be greater than 1",
        ),
        (
            {"post_processing": {"summarization_config": {"type": "long"}}},
            (
                "post_processing.summarization_config.type must be one of the following values: "
                "bullet_points, concise, general"
            ),
        ),
        (
            {"realtime_processing": {"custom_vocabulary_config": {"vocabulary": ["a", {}]}}},
            "realtime_processing.custom_vocabulary_config.vocabulary.1.value is required",
        ),
        (
            {"realtime_processing": {"custom_vocabulary_config": {"vocabulary": [3]}}},
            (
                "realtime_processing.custom_vocabulary_config.vocabulary.0 must be "
                "a string or an object"
            ),
        ),
        (
            {"realtime_processing": {"translation_config": {"target_languages": []}}},
            (
                "realtime_processing.translation_config.target_languages must contain "
                "at least 1 elements"
            ),
        ),
        (
            {"realtime_processing": {"translation": True}},
            "realtime_processing.translation_config is required when translation is true",
        ),
        (
            {"callback": True, "callback_config": {"url": "not a url"}},
            "callback_config.url must be an http or https URL when callback is true",
        ),
        (
            {"callback": True},
            "callback_config.url must be an http or https URL when callback is true",
        ),
    ],
)
def test_a_fault_names_the_field_and_what_it_must_be(body: object, fault: str) -> None:
    assert faults(body) == (fault,)


def test_every_fault_is_named_at_once() -> None:
    named = faults({"channels": 9, "endpointing": 0, "pre_processing": {"speech_threshold": -1}})
    assert [fault.split()[0] for fault in named] == [
        "channels",
        "endpointing",
        "pre_processing.speech_threshold",
    ]


def test_an_unknown_language_is_refused_and_the_spellings_of_clients_are_understood() -> None:
    assert faults({"language_config": {"languages": ["tlh"]}})[0].startswith(
        "language_config.languages.0 must be one of the following values: af, am"
    )
    body = {"language_config": {"languages": ["EN", "zh-CN", "jv", "mymr", "pt_BR"]}}
    request = parse_init(msgspec.json.encode(body))
    assert request.language_config.languages == ("en", "zh", "jw", "my", "pt")


def test_metadata_is_bounded_when_serialised() -> None:
    fits = {"custom_metadata": {"a": "x" * 1992}}
    assert parse_init(msgspec.json.encode(fits)).custom_metadata == fits["custom_metadata"]
    (fault,) = faults({"custom_metadata": {"a": "x" * 1993}})
    assert fault.startswith("custom_metadata must be shorter than or equal to 2000 characters")


def test_metadata_is_not_nested_deeper_than_clients_can_read() -> None:
    def nested(levels: int) -> dict[str, object]:
        inner: object = 1
        for _ in range(levels - 1):
            inner = [inner]
        return {"custom_metadata": {"a": inner}}

    assert parse_init(msgspec.json.encode(nested(64))).custom_metadata
    assert faults(nested(65)) == ("custom_metadata must be nested at most 64 levels deep",)


def test_faults_are_bounded_in_number_and_do_not_repeat_the_body() -> None:
    """A long key with many wrong members used to be spelt out once for each of them."""
    named = faults(spellings({"k" * 100_000: [1] * 50, "l": [1]}))
    assert len(named) == 50
    assert max(map(len, named)) < 200


def test_what_livekit_and_pipecat_send_is_accepted() -> None:
    livekit = {
        "model": "solaria-1",
        "endpointing": 0.05,
        "maximum_duration_without_endpointing": 5,
        "bit_depth": 16,
        "sample_rate": 16000,
        "channels": 1,
        "encoding": "wav/pcm",
        "region": "eu-west",
        "language_config": {"languages": [], "code_switching": True},
        "realtime_processing": {
            "words_accurate_timestamps": False,
            "translation": True,
            "translation_config": {"target_languages": ["fr"], "model": "base", "lipsync": True},
        },
        "messages_config": {"receive_partial_transcripts": True},
        "pre_processing": {"audio_enhancer": False, "speech_threshold": 0.6},
        "custom_metadata": {"livekit": {"version": "1.8.9"}},
        "unknown": {"nested": [1, 2]},
    }
    request = parse_init(msgspec.json.encode(livekit))
    assert request.language_config.code_switching
    assert request.messages_config.receive_acknowledgments


@pytest.mark.parametrize("body", [b"[]", b"{", b"\xff", b"null", b"[" * 100_000, b'{"a":NaN}'])
def test_a_body_that_is_no_json_object_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedJsonError):
        parse_init(body)
