"""Whatever a client sends is understood or refused by name, never a fault of ours."""

import copy
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import QueryParams

from vivavoce.protocol.choices import MODELS
from vivavoce.protocol.languages import TRANSCRIPTION_CODES, TRANSLATION_CODES
from vivavoce.protocol.messages import BadMessageError, parse_client_message
from vivavoce.protocol.request import CallbackConfig, InitRequest, MessagesConfig, parse_init
from vivavoce.protocol.validation import InvalidParametersError, MalformedJsonError
from vivavoce.server.listing import parse_query

Json = dict[str, Any]

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def unit() -> st.SearchStrategy[float]:
    return st.floats(0, 1)


def some(**optional: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    """An object with any of these fields; null stands for an absent one."""
    fields = {name: st.none() | field for name, field in optional.items()}
    return st.fixed_dictionaries({}, optional=fields)


flag = st.booleans()
languages = st.sampled_from(TRANSCRIPTION_CODES)
FLAGS = list(MessagesConfig.__struct_fields__)
CALLBACK_FLAGS = [name for name in CallbackConfig.__struct_fields__ if name != "url"]
vocabulary = st.fixed_dictionaries(
    {
        "vocabulary": st.lists(
            st.text()
            | st.fixed_dictionaries(
                {"value": st.text(min_size=1)},
                optional={
                    "intensity": unit(),
                    "pronunciations": st.lists(st.text(), max_size=2),
                    "language": languages,
                },
            ),
            max_size=3,
        )
    },
    optional={"default_intensity": unit()},
)
spelling = st.fixed_dictionaries(
    {"spelling_dictionary": st.dictionaries(st.text(), st.lists(st.text(), max_size=2), max_size=2)}
)
translation = st.fixed_dictionaries(
    {"target_languages": st.lists(st.sampled_from(TRANSLATION_CODES), min_size=1, max_size=3)},
    optional={
        "model": st.sampled_from(["base", "batch", "enhanced"]),
        "context": st.text(),
        "informal": flag,
    },
)
add_ons = some(
    custom_vocabulary_config=vocabulary,
    custom_spelling_config=spelling,
    translation_config=translation,
    named_entity_recognition=flag,
).map(lambda part: part | {"translation": part.get("translation_config") is not None})
requests = some(
    encoding=st.sampled_from(["wav/pcm", "wav/alaw", "wav/ulaw"]),
    bit_depth=st.sampled_from([8, 16, 24, 32]),
    sample_rate=st.sampled_from([8000, 16000, 32000, 44100, 48000]),
    channels=st.integers(1, 8),
    custom_metadata=st.dictionaries(st.text(max_size=8), scalars, max_size=3),
    model=st.sampled_from(MODELS),
    endpointing=st.floats(0.01, 10),
    maximum_duration_without_endpointing=st.integers(5, 60),
    language_config=some(languages=st.lists(languages, max_size=3), code_switching=flag),
    pre_processing=some(audio_enhancer=flag, speech_threshold=unit()),
    realtime_processing=add_ons,
    post_processing=some(summarization=flag, summarization_config=some(type=st.just("concise"))),
    messages_config=some(**dict.fromkeys(FLAGS, flag)),
    callback_config=some(url=st.text(), **dict.fromkeys(CALLBACK_FLAGS, flag)),
)


def refusal(read: Callable[[Any], object], given_value: Any) -> ValueError | None:
    """Why a parser refuses a value; None when it takes it. Other errors are faults of ours."""
    try:
        read(given_value)
    except (BadMessageError, InvalidParametersError, MalformedJsonError) as error:
        return error
    return None


def faults(body: Any) -> tuple[str, ...]:
    """The faults of a body."""
    error = refusal(parse_init, msgspec.json.encode(body))
    assert isinstance(error, InvalidParametersError)
    return error.faults


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Paths to the leaves that have a type of their own; metadata may be anything."""
    items: Any = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    elif value is not None:
        yield path
    for key, inner in items:
        if key != "custom_metadata":
            yield from leaves(inner, (*path, key))


any_fields = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(InitRequest.__struct_fields__, values)
)


@given(values | any_fields)
def test_any_json_is_a_request_or_is_refused_by_path(value: Any) -> None:
    error = refusal(parse_init, msgspec.json.encode(value))
    if isinstance(error, InvalidParametersError):
        assert error.faults
        for fault in error.faults:
            assert fault.partition(" ")[0].split(".")[0] in InitRequest.__struct_fields__
            assert " must " in fault or " is required" in fault
    else:
        assert (error is None) == isinstance(value, dict)


@given(st.binary() | st.text().map(str.encode))
def test_any_bytes_are_a_request_or_are_refused_in_words(body: bytes) -> None:
    error = refusal(parse_init, body)
    assert error is None or str(error)


@given(requests)
def test_a_right_request_is_accepted_and_comes_back_as_it_was(body: Json) -> None:
    request = parse_init(msgspec.json.encode(body))
    assert parse_init(msgspec.json.encode(request)) == request


@given(requests, st.data())
def test_one_wrong_leaf_is_named_by_its_path(body: Json, data: st.DataObject) -> None:
    places = list(leaves(body))
    if not places:
        return
    *way, last = data.draw(st.sampled_from(places))
    spoilt: Any = copy.deepcopy(body)
    owner = spoilt
    for step in way:
        owner = owner[step]
    owner[last] = [["wrong"]]  # no leaf is an array
    path = ".".join(map(str, [*way, last]))
    (fault,) = faults(spoilt)
    assert fault.startswith((f"{path} must ", f"{path} is required"))


OUT_OF_RANGE = {
    ("channels",): st.integers(max_value=0) | st.integers(min_value=9),
    ("endpointing",): st.floats(max_value=0.0099, allow_infinity=False) | st.floats(10.1, 1e300),
    ("maximum_duration_without_endpointing",): st.integers(max_value=4),
    ("sample_rate",): st.integers(max_value=7999),
    ("pre_processing", "speech_threshold"): st.floats(1.01, 9),
    ("encoding",): st.text().filter(lambda text: not text.startswith("wav/")),
}


@given(requests, st.sampled_from(sorted(OUT_OF_RANGE)), st.data())
def test_one_value_out_of_range_is_named_by_its_path(
    body: Json, path: tuple[str, ...], data: st.DataObject
) -> None:
    *way, last = path
    owner = body = copy.deepcopy(body)
    for step in way:
        owner[step] = owner.get(step) or {}
        owner = owner[step]
    owner[last] = data.draw(OUT_OF_RANGE[path])
    (fault,) = faults(body)
    assert fault.startswith(f"{'.'.join(path)} must ")


frames = (
    st.binary()
    | st.text(st.characters())
    | values.map(msgspec.json.encode)
    | st.fixed_dictionaries(
        {"type": st.sampled_from(["audio_chunk", "stop_recording", "finalize", "configure"])},
        optional={"data": values | st.fixed_dictionaries({"chunk": values})},
    ).map(msgspec.json.encode)
)


@given(frames)
def test_any_frame_is_a_message_or_is_refused_in_words(frame: str | bytes) -> None:
    error = refusal(parse_client_message, frame)
    assert error is None or isinstance(error, BadMessageError)
    assert error is None or str(error)


NAMES = ["offset", "limit", "date", "before_date", "after_date", "status", "custom_metadata"]
texts = (
    st.text()
    | st.integers().map(str)
    | st.datetimes(timezones=st.timezones() | st.none()).map(lambda moment: moment.isoformat())
    | values.map(lambda value: msgspec.json.encode(value).decode())
)


@given(st.lists(st.tuples(st.sampled_from(NAMES) | st.text(), texts), max_size=6))
def test_any_query_is_a_list_or_is_refused_by_name(pairs: list[tuple[str, str]]) -> None:
    error = refusal(parse_query, QueryParams(pairs))
    if isinstance(error, InvalidParametersError):
        assert all(fault.startswith(tuple(NAMES)) and " must " in fault for fault in error.faults)
    else:
        query = parse_query(QueryParams(pairs))
        assert query.offset >= 0
        assert 1 <= query.limit <= 100
