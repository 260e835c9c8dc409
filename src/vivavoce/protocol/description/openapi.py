"""The OpenAPI 3.1 document of the HTTP side."""

from vivavoce.protocol.description.operations import (
    JSON,
    OPERATIONS,
    READ,
    WRITTEN,
    Answer,
    Operation,
)
from vivavoce.protocol.description.schemas import Schema, components
from vivavoce.protocol.result import Result

ABOUT = """\
Live sessions of speech-to-text: create one here, then speak on its WebSocket
(`/asyncapi.json` describes the messages).

Unknown fields are ignored, and a field that is `null` counts as absent. Every error has the same
body; a wrong path or method is a 404.

Paths under `/vivavoce` are this server's own; everything else is the live v2 API."""


def openapi(version: str) -> Schema:
    """The document; ``version`` is the server's."""
    paths: dict[str, Schema] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Vivavoce",
            "version": version,
            "description": ABOUT,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "schemas": components(READ, (*WRITTEN, Result)),
            "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "x-gladia-key"}},
        },
    }


def _operation(operation: Operation) -> Schema:
    described: Schema = {
        "operationId": operation.name,
        "summary": operation.summary,
        "parameters": list(operation.parameters),
        "responses": {str(s): _answer(a) for s, a in operation.answers.items()},
    }
    if operation.public:
        described["security"] = []
    if operation.body is not None:
        described["requestBody"] = {
            "required": operation.must_have_body,
            "content": {JSON: {"schema": operation.body}},
        }
    return described


def _answer(answer: Answer) -> Schema:
    described: Schema = {"description": answer.description}
    if answer.content:
        described["content"] = {kind: {"schema": s} for kind, s in answer.content.items()}
    if answer.links:
        described["links"] = answer.links
    return described
