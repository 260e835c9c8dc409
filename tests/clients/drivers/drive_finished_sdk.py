"""The official Python SDK whose session has ended when it comes back: its events with times."""

import asyncio
import threading
import time
from functools import partial

from gladiaio_sdk import GladiaClient, LiveV2InitRequest
from task import report, task

EVENTS = ("started", "connecting", "connected", "ending", "ended", "error")
REQUEST = LiveV2InitRequest(sample_rate=16000)


def tell(event, value=None):
    code, message = getattr(value, "code", None), getattr(value, "message", "")
    report(event, at=time.time(), code=code, message=str(message))


def blocking() -> None:
    session = GladiaClient(api_key=task["key"], api_url=task["url"]).live().start_session(REQUEST)
    ended = threading.Event()
    for event in EVENTS:
        session.on(event, partial(tell, event))
    session.on("ended", lambda _: ended.set())
    session.wait_until_ready(10)
    for index in range(10):
        session.send_audio(bytes([index]) * 3200)
        time.sleep(0.02)
    session.stop_recording()
    ended.wait(task["limit"])
    tell("over")


async def asynchronous() -> None:
    client = GladiaClient(api_key=task["key"], api_url=task["url"]).live_async()
    session = client.start_session(REQUEST)
    ended, connected = asyncio.Event(), asyncio.Event()
    for event in EVENTS:
        session.on(event, partial(tell, event))
    session.on("ended", lambda _: ended.set())
    session.on("connected", lambda _: connected.set())
    await connected.wait()
    for index in range(10):
        session.send_audio(bytes([index]) * 3200)
        await asyncio.sleep(0.02)
    session.stop_recording()
    await asyncio.wait([asyncio.create_task(ended.wait())], timeout=task["limit"])
    tell("over")


if task.get("asynchronous"):
    asyncio.run(asynchronous())
else:
    blocking()
