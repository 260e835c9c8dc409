"""What is fuzzed, how often of all rounds, and how one round is played."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fuzz import decoders, http_streams, websocket_streams
from fuzz.bytes_and_texts import Dice
from websocket_suite.memory import without_waits


@dataclass(frozen=True, slots=True)
class Target:
    """Something to fuzz.

    Attributes:
        name: of it.
        share: of all rounds, in thousandths.
        play: plays one round; a fault raises.
    """

    name: str
    share: int
    play: Callable[[Dice], Awaitable[None] | None]


TARGETS = (
    Target("websocket stream", 30, websocket_streams.stream),
    Target("http request", 20, http_streams.one_request),
    Target("endless head", 1, http_streams.endless),
    Target("init request", 40, decoders.init_request),
    Target("client message", 200, decoders.client_message),
    Target("client noise", 100, decoders.numbered_text),
    Target("wav header", 130, decoders.wav_header),
    Target("resume search", 20, decoders.resume),
    Target("list query", 100, decoders.list_query),
    Target("callback url", 130, decoders.callback_url),
    Target("retry-after", 80, decoders.wait_header),
    Target("worker frame", 100, decoders.worker_frame),
    Target("stored value", 49, decoders.stored_value),
)


@dataclass(frozen=True, slots=True)
class Failure:
    """A round that went wrong; target and seed repeat it."""

    target: str
    seed: int
    what: str


def play(name: str, seeds: range) -> list[Failure]:
    """Play the rounds of a target, one for each seed; gives those that went wrong."""
    for noisy in ("uvicorn.error", "uvicorn.access", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL + 1)
    target = next(target for target in TARGETS if target.name == name)
    with without_waits():
        return asyncio.run(_play(target, seeds))


async def _play(target: Target, seeds: range) -> list[Failure]:
    failures: list[Failure] = []
    crashed: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: crashed.append(str(context)))
    dice = Dice()
    for seed in seeds:
        dice.seed(seed)
        try:
            work = target.play(dice)
            if work is not None:
                await work
            if crashed:
                failures.append(Failure(target.name, seed, crashed[0]))
        except Exception as error:  # noqa: BLE001  every fault is one to keep
            failures.append(Failure(target.name, seed, f"{type(error).__name__}: {error}"))
        crashed.clear()
    return failures
