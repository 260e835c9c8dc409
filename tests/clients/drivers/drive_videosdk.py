"""The VideoSDK plugin as its agents use it, fed like a room: stereo, 20 ms at a time."""

import asyncio

import numpy as np
from task import RATE, paced, report, speech, task
from videosdk.agents import STTResponse
from videosdk.plugins.gladia import GladiaSTT
from videosdk.plugins.gladia import stt as plugin

plugin.GLADIA_API_URL = task["url"]  # it offers no other way


async def heard(response: STTResponse) -> None:
    kind = {"final_transcript": "final", "interim_transcript": "partial"}
    said = response.data
    report(kind[response.event_type.value], text=said.text, language=said.language)


async def main() -> None:
    client = GladiaSTT(
        api_key=task["key"], input_sample_rate=RATE, receive_partial_transcripts=True
    )
    client.on_stt_transcript(heard)
    client.on("error", lambda error: report("error", message=str(error)))
    async for audio in paced(speech()):
        stereo = np.repeat(np.frombuffer(audio, "<i2"), 2)
        await client.process_audio(stereo.tobytes())
    session = client._session_id  # noqa: SLF001  its only name for the session
    await client.aclose()
    report("ended", session=session)


asyncio.run(main())
