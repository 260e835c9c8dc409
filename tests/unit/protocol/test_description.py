"""The published documents: valid, complete, and true to the structs."""

import json
from collections.abc import Iterator
from dataclasses import fields
from typing import Any, get_args

import msgspec
import pytest
from jsonschema import Draft7Validator, Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from starlette.routing import Route, WebSocketRoute

from vivavoce.protocol import messages
from vivavoce.protocol.close_codes import CloseCode
from vivavoce.protocol.description.asyncapi import asyncapi
from vivavoce.protocol.description.fields import DESCRIPTIONS
from vivavoce.protocol.description.openapi import openapi
from vivavoce.protocol.request import InitRequest
from vivavoce.protocol.result import Result, ResultMetadata
from vivavoce.protocol.transcript import Transcription, Utterance, Word
from vivavoce.server.routes import LiveRoutes
from vivavoce.server.webhooks import WebhookRoutes
from wire_schema import assert_valid_message

HTTP = openapi("1.2.3")
SOCKET = asyncapi("1.2.3")
SESSION = "1f0c9a2b-0000-4000-8000-000000000000"


def references(part: Any) -> Iterator[str]:
    """Every ``$ref`` in a document."""
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        for inner in part.values():
            yield from references(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from references(inner)


def resolved(document: dict[str, Any], pointer: str) -> Any:
    """What a local reference points to."""
    found = document
    for step in pointer.removeprefix("#/").split("/"):
        found = found[step.replace("~1", "/")]
    return found


def test_the_http_document_is_valid_openapi() -> None:
    OpenAPIV31SpecValidator(HTTP).validate()


@pytest.mark.parametrize("document", [HTTP, SOCKET], ids=["openapi", "asyncapi"])
def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    assert all(resolved(document, ref) for ref in references(document))
    assert json.loads(json.dumps(document)) == document


@pytest.mark.parametrize("document", [HTTP, SOCKET], ids=["openapi", "asyncapi"])
def test_schemas_are_valid_in_both_drafts_that_their_readers_use(document: dict[str, Any]) -> None:
    for schema in document["components"]["schemas"].values():
        Draft7Validator.check_schema(schema)
        Draft202012Validator.check_schema(schema)


def test_every_route_of_the_server_is_described() -> None:
    live = LiveRoutes(*[None] * len(fields(LiveRoutes)))  # type: ignore[arg-type]  # nothing is called
    webhooks = WebhookRoutes(*[None] * 5)  # type: ignore[arg-type]  # nor here
    routes = [*live.routes(), *webhooks.routes()]
    served = {
        (route.path, method.lower())
        for route in routes
        if isinstance(route, Route)
        for method in (route.methods or set()) - {"HEAD"}
    }
    public = {("/health", "get"), ("/ready", "get")}
    described = {(path, method) for path, item in HTTP["paths"].items() for method in item}
    assert described == served | public
    (socket,) = (route for route in routes if isinstance(route, WebSocketRoute))
    assert SOCKET["channels"]["live"]["address"] == socket.path


def test_every_refusal_has_the_common_body() -> None:
    for item in HTTP["paths"].values():
        for operation in item.values():
            for status, answer in operation["responses"].items():
                if int(status) >= 400 and operation["operationId"] != "ready":
                    schema = answer["content"]["application/json"]["schema"]
                    assert schema == {"$ref": "#/components/schemas/ErrorBody"}


def test_everything_but_health_needs_a_key() -> None:
    assert HTTP["security"] == [{"key": []}]
    scheme = HTTP["components"]["securitySchemes"]["key"]
    assert (scheme["in"], scheme["name"]) == ("header", "x-gladia-key")
    public = [p for p, item in HTTP["paths"].items() for o in item.values() if "security" in o]
    assert public == ["/health", "/ready"]


def test_the_request_shows_choices_ranges_and_defaults() -> None:
    fields = HTTP["components"]["schemas"]["InitRequest"]["properties"]
    assert fields["sample_rate"]["enum"] == [8000, 16000, 32000, 44100, 48000]
    assert fields["model"]["enum"][0] == fields["model"]["default"] == "solaria-1"
    assert (fields["endpointing"]["minimum"], fields["endpointing"]["maximum"]) == (0.01, 10)
    languages = HTTP["components"]["schemas"]["LanguageConfig"]["properties"]["languages"]
    assert len(languages["items"]["enum"]) == 99
    defaults = {name: field["default"] for name, field in fields.items() if "default" in field}
    assert defaults == msgspec.json.decode(msgspec.json.encode(InitRequest()))


def test_what_is_written_is_there_even_when_it_is_null() -> None:
    job = HTTP["components"]["schemas"]["Job"]
    assert set(job["properties"]) - set(job["required"]) == {"custom_metadata"}
    ack = SOCKET["components"]["schemas"]["AudioChunkAck"]
    assert set(ack["required"]) == set(ack["properties"])


def test_every_description_belongs_to_a_field() -> None:
    schemas = HTTP["components"]["schemas"] | SOCKET["components"]["schemas"]
    known = {f"{name}.{field}" for name, s in schemas.items() for field in s.get("properties", {})}
    assert set(DESCRIPTIONS) <= known


def test_the_socket_document_has_the_parts_that_asyncapi_requires() -> None:
    assert SOCKET["asyncapi"] == "3.0.0"
    assert SOCKET["info"].keys() >= {"title", "version"}
    channel = SOCKET["channels"]["live"]
    assert channel["bindings"]["ws"]["query"]["required"] == ["token"]
    operations = SOCKET["operations"]
    assert {name: op["action"] for name, op in operations.items()} == {
        "hear": "receive",
        "speak": "send",
    }
    for operation in operations.values():
        assert operation["channel"] == {"$ref": "#/channels/live"}
        for message in operation["messages"]:
            assert message["$ref"].startswith("#/channels/live/messages/")


def test_every_message_is_described_with_its_type_and_its_flag() -> None:
    described = SOCKET["components"]["messages"]
    kinds = (*get_args(messages.ServerMessage), *get_args(messages.ClientMessage))
    assert set(described) == {kind.__name__ for kind in kinds} | {"Audio"}
    assert described["AudioChunkAck"]["name"] == "audio_chunk"
    assert "receive_acknowledgments" in described["AudioChunkAck"]["description"]
    assert "receive_partial_transcripts" in described["Transcript"]["description"]


def test_every_close_code_is_explained() -> None:
    for code in CloseCode:
        assert f"{code.value}: {code.meaning}" in SOCKET["info"]["description"]
    assert [code.value for code in CloseCode if not code.resumable] == [
        1000,
        4400,
        4403,
        4409,
        4416,
    ]


def said() -> list[messages.Message]:
    """One message of every type."""
    envelope: dict[str, Any] = {"session_id": SESSION, "created_at": "2026-11-21T08:00:00.101Z"}
    word = Word(" Hi.", 0.1, 0.5, 0.9)
    utterance = Utterance(0.1, 0.5, 0.9, 0, (word,), " Hi.", "en")
    text = Transcription("Hi.", ("en",), (utterance,))
    moment = messages.SpeechMoment(0.1, 0)
    failure = messages.Failure("why")
    chunk = messages.ChunkRange((0, 3200), (0.0, 0.1))
    return [
        messages.AudioChunkAck(acknowledged=True, data=chunk, **envelope),
        messages.AudioChunkAck(acknowledged=False, error=failure, **envelope),
        messages.StopRecordingAck(
            acknowledged=True, data=messages.RecordingDurations(1.0, 0.5), **envelope
        ),
        messages.FinalizeAck(acknowledged=True, data=messages.FinalizedMoment(1.0, 0), **envelope),
        messages.FinalizeAck(acknowledged=False, error=failure, **envelope),
        messages.SpeechStart(data=moment, **envelope),
        messages.SpeechEnd(data=moment, **envelope),
        messages.Transcript(
            data=messages.TranscriptData("00_00000000", True, utterance), **envelope
        ),
        messages.StartSession(**envelope),
        messages.StartRecording(**envelope),
        messages.EndRecording(data=messages.RecordingDuration(1.0), **envelope),
        messages.PostTranscript(data=text, **envelope),
        messages.PostFinalTranscript(
            data=Result(ResultMetadata(1.0, 1, 1.0, 2.0), text), **envelope
        ),
        messages.EndSession(**envelope),
        messages.ErrorMessage(error=failure, data=messages.ErrorDetail("c", "why"), **envelope),
    ]


def test_what_the_server_says_fits_the_document() -> None:
    assert {type(message) for message in said()} == set(get_args(messages.ServerMessage))
    for message in said():
        assert_valid_message(json.loads(messages.encode(message)))


@pytest.mark.parametrize(
    "spoilt",
    [
        {"type": "unheard_of"},
        {"session_id": 1},
        {"created_at": "yesterday"},
        {"acknowledged": None},
        {"data": {"byte_range": [0], "time_range": [0, 0.1]}},
        {"data": {"byte_range": [0, -1], "time_range": [0, 0.1]}},
    ],
)
def test_what_does_not_fit_the_document_is_noticed(spoilt: dict[str, Any]) -> None:
    message = json.loads(messages.encode(said()[0])) | spoilt
    with pytest.raises(AssertionError):
        assert_valid_message(message)
