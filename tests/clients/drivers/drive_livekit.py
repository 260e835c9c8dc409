"""The LiveKit plugin, as an agent uses it: ``stream`` for a room, ``recognize`` for a clip."""

import asyncio

import aiohttp
from livekit import rtc
from livekit.agents import APIConnectOptions, stt
from livekit.plugins.gladia import STT
from task import FRAME_SAMPLES, RATE, paced, report, speech, task


def frame_of(audio: bytes) -> rtc.AudioFrame:
    return rtc.AudioFrame(audio, RATE, 1, len(audio) // 2)


async def speak(stream: stt.RecognizeStream) -> None:
    size, flush_at = 2 * FRAME_SAMPLES, task.get("flush_at")
    audio = speech()
    before = audio if flush_at is None else audio[: size * (flush_at + 1)]
    async for piece in paced(before):
        stream.push_frame(frame_of(piece))
    if flush_at is not None:
        stream.flush()
        for at in range(len(before), len(audio), size):
            stream.push_frame(frame_of(audio[at : at + size]))
    stream.end_input()


async def listen(stream: stt.RecognizeStream) -> None:
    async for event in stream:
        said = event.alternatives[0] if event.alternatives else None
        kind = {"final_transcript": "final", "interim_transcript": "partial"}.get(event.type.value)
        report(
            kind or "other",
            type=event.type.value,
            session=event.request_id,
            text=said.text if said else "",
            language=said.language if said else "",
            words=[str(word) for word in said.words or []] if said else [],
        )


async def streamed(client: STT) -> None:
    async with client.stream() as stream:
        await asyncio.gather(speak(stream), listen(stream))
    report("ended")


async def recognized(client: STT) -> None:
    event = await client.recognize(
        frame_of(speech()), conn_options=APIConnectOptions(max_retry=0, timeout=10)
    )
    for said in event.alternatives:
        report("final", text=said.text, language=said.language, session=event.request_id)
    report("ended")


async def main() -> None:
    async with aiohttp.ClientSession() as http:
        client = STT(base_url=task["url"], api_key=task["key"], http_session=http)
        await (recognized if task["mode"] == "recognize" else streamed)(client)


asyncio.run(main())
