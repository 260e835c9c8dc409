"""Pipecat's speech service in a pipeline of its own: sound in at the top, transcripts out below.

Between recordings there is a quiet in which no frame at all is sent.
"""

import asyncio
import sys
from contextlib import suppress

from loguru import logger
from pipecat.frames.frames import (
    Frame,
    InputAudioRawFrame,
    InterimTranscriptionFrame,
    TranscriptionFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.gladia.config import MessagesConfig
from pipecat.services.gladia.stt import GladiaSTTService
from pipecat.workers.runner import WorkerRunner
from task import RATE, paced, report, speech, task
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

GIVING_UP_SECONDS = 60


class Listener(FrameProcessor):
    """Reports the transcripts that come down the pipeline."""

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, TranscriptionFrame | InterimTranscriptionFrame):
            kind = "final" if isinstance(frame, TranscriptionFrame) else "partial"
            report(kind, text=frame.text, language=str(frame.language))
        await self.push_frame(frame, direction)


async def speak(worker: PipelineWorker, service: GladiaSTTService) -> None:
    for name in task["said"]:
        async for audio in paced(speech(name)):
            await worker.queue_frame(InputAudioRawFrame(audio, RATE, 1))
        report("spoken", name=name)
        if name != task["said"][-1]:
            await asyncio.sleep(task["quiet"])
    if task.get("ended_elsewhere"):
        await end_elsewhere(service)
    await worker.stop_when_done()


async def end_elsewhere(service: GladiaSTTService) -> None:
    """Stop the session from a second socket, as another device of the user may, and see it told."""
    url = service._session_url  # noqa: SLF001  it keeps the address to itself
    with suppress(ConnectionClosed):  # the service takes its place again
        async with connect(url) as socket:
            await socket.send('{"type": "stop_recording"}')
            async for _message in socket:
                pass
    async with asyncio.timeout(GIVING_UP_SECONDS):
        while service.is_usable:  # noqa: ASYNC110  it tells no event of this
            await asyncio.sleep(0.05)


def watch(service: GladiaSTTService, worker: PipelineWorker) -> None:
    """Report connections and errors by the events, and keep-alives by the log of Pipecat."""

    @service.event_handler("on_connected")
    async def connected(_service):
        report("connected")

    @worker.event_handler("on_pipeline_error")
    async def failed(_worker, frame):
        report("error", message=str(frame.error))

    def logged(line):
        if "sent keepalive" in line.record["message"]:
            report("keepalive")

    logger.remove()
    logger.add(sys.stderr, level="DEBUG")
    logger.add(logged, level="TRACE")


async def main() -> None:
    settings = None
    if task.get("partials"):
        wanted = MessagesConfig(receive_partial_transcripts=True)
        settings = GladiaSTTService.Settings(messages_config=wanted)
    service = GladiaSTTService(api_key=task["key"], url=task["url"], settings=settings)
    worker = PipelineWorker(
        Pipeline([service, Listener()]), params=PipelineParams(audio_in_sample_rate=RATE)
    )
    watch(service, worker)
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    await asyncio.gather(runner.run(), speak(worker, service))
    report("ended", service=str(service))


asyncio.run(main())
