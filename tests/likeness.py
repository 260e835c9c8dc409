"""Whether two runs over the same audio came to the same, all that must differ left aside."""

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]

OF_THE_RUN = frozenset({"session_id", "created_at", "transcription_time"})
"""What says when and under which name a session ran."""


def result_differences(found: Json, wanted: Json) -> Iterator[str]:
    """In words, where a session's result is not that of a run without faults.

    Messages are compared type by type and channel by channel: whether a final was ready before
    or after the next speaker began depends on the machine.
    """
    one, other = comparable(found), comparable(wanted)
    for part in sorted(one.keys() | other.keys()):
        if one.get(part) != other.get(part):
            yield f"result: {part} is {one.get(part)}, undisturbed it was {other.get(part)}"


def comparable(result: Json) -> Json:
    """A result without the traces of its run, its messages by type and channel."""
    told: dict[str, list[Any]] = defaultdict(list)
    for message in map(json.loads, result.get("messages", ())):
        told[f"messages of {message['type']} on {_channel(message)}"].append(lasting(message))
    rest = {name: lasting(value) for name, value in result.items() if name != "messages"}
    return rest | told


def lasting(value: Any) -> Any:
    """A value without what only its run gave it."""
    if isinstance(value, dict):
        return {name: lasting(part) for name, part in value.items() if name not in OF_THE_RUN}
    return [lasting(part) for part in value] if isinstance(value, list) else value


def _channel(message: Json) -> Any:
    data = message.get("data") or {}
    return data.get("channel", data.get("utterance", {}).get("channel"))
