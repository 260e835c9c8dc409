"""What a socket says, checked against the published AsyncAPI document."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from jsonschema import Draft7Validator, FormatChecker

from vivavoce.protocol.description.asyncapi import asyncapi


def assert_valid_message(message: Mapping[str, Any]) -> None:
    """A message of the server, as decoded from a text frame, fits the schema of its type."""
    validators = _validators()
    assert message.get("type") in validators, f"undocumented type: {message}"
    validator = validators[message["type"]]
    faults = [f"{fault.json_path}: {fault.message}" for fault in validator.iter_errors(message)]
    assert not faults, f"{message['type']}: {faults}"


@cache
def _validators() -> dict[str, Draft7Validator]:
    """By the type of message that the server sends."""
    document = asyncapi("0")
    spoken = {_last(ref) for ref in document["operations"]["speak"]["messages"]}
    found = document["components"]["messages"]
    return {
        found[name]["name"]: Draft7Validator(
            {**found[name]["payload"]["schema"], "components": document["components"]},
            format_checker=FormatChecker(),
        )
        for name in spoken
    }


def _last(ref: Mapping[str, str]) -> str:
    return ref["$ref"].rsplit("/", 1)[1]
