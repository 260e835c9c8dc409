"""The worker's conversation, in this process: files instead of pipes."""

import io
from typing import Any

import msgspec
import pytest

from recognition_support import SCRIPTED, a_sung_job
from vivavoce.recognition import frames
from vivavoce.recognition.contract import Hypothesis
from vivavoce.recognition.frames import Decode, Decoded, EngineSpec, FromWorker, Ready, Refused
from vivavoce.recognition.worker import serve


def said(*messages: frames.ToWorker) -> list[FromWorker]:
    """What a worker answers to these messages, up to the end of its input."""
    answers = io.BytesIO()
    serve(io.BytesIO(b"".join(frames.pack(message) for message in messages)), answers)
    answers.seek(0)
    decoder: msgspec.msgpack.Decoder[FromWorker] = msgspec.msgpack.Decoder(FromWorker)
    payloads = iter(lambda: frames.read_frame(answers), None)
    return [decoder.decode(payload) for payload in payloads]


def decoded(*texts: str) -> Decoded:
    reply = said(SCRIPTED, Decode(tuple(a_sung_job(text).request for text in texts)))[-1]
    assert isinstance(reply, Decoded)
    return reply


def texts(reply: Decoded) -> list[str]:
    return [
        answer.error or msgspec.msgpack.decode(answer.hypothesis, type=Hypothesis).text
        for answer in reply.answers
    ]


def test_a_closed_input_ends_it_before_it_loads_anything() -> None:
    assert said() == []


def test_it_says_what_its_engine_can_do() -> None:
    (ready,) = said(SCRIPTED)
    assert isinstance(ready, Ready)
    assert ready.capabilities.languages == frozenset({"en"})
    assert ready.capabilities.max_batch == 4


def test_it_answers_a_batch_in_order() -> None:
    assert texts(decoded("alfa", "bravo alfa", "charlie")) == ["alfa", "bravo alfa", "charlie"]


def test_it_reports_the_time_that_a_batch_took() -> None:
    assert decoded("alfa").cpu_seconds >= 0


@pytest.mark.parametrize(
    ("fault", "error"),
    [("refuse", "RuntimeError: the audio asked for it"), ("swallow", "0 hypotheses for 1")],
)
def test_a_request_that_fails_a_batch_spoils_no_other(fault: str, error: str) -> None:
    first, failed, last = texts(decoded("alfa", fault, "bravo"))
    assert (first, last) == ("alfa", "bravo")
    assert error in failed


def test_an_absurdly_long_answer_is_not_sent() -> None:
    babble, sound = texts(decoded("babble", "alfa"))
    assert "a hypothesis of 10000" in babble
    assert sound == "alfa"


def test_it_does_not_outlive_a_lack_of_memory() -> None:
    with pytest.raises(MemoryError):
        decoded("starve")


@pytest.mark.parametrize(
    ("loader", "arguments", "error"),
    [
        ("vivavoce.nowhere:load", {}, "ModuleNotFoundError"),
        ("vivavoce.recognition.jobs:load", {}, "AttributeError"),
        ("vivavoce.recognition.jobs:BYTES_PER_SAMPLE", {}, "TypeError"),
        (SCRIPTED.loader, {"volume": 11}, "TypeError"),
    ],
)
def test_it_says_why_an_engine_does_not_load(
    loader: str, arguments: dict[str, Any], error: str
) -> None:
    (refused,) = said(EngineSpec(loader, arguments))
    assert isinstance(refused, Refused)
    assert error in refused.error
