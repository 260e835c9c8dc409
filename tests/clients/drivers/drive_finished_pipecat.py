"""Pipecat's service whose session has ended when it reconnects: its events with their times."""

import asyncio
import time

from loguru import logger
from pipecat.frames.frames import InputAudioRawFrame
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.services.gladia.stt import GladiaSTTService
from pipecat.workers.runner import WorkerRunner
from task import RATE, report, task

FRAME = bytes(range(160)) * 4


async def speak(worker: PipelineWorker, service: GladiaSTTService) -> None:
    until = time.monotonic() + task["limit"]
    while service.is_usable and time.monotonic() < until:
        await worker.queue_frame(InputAudioRawFrame(FRAME, RATE, 1))
        await asyncio.sleep(0.02)
    report("over", at=time.time(), usable=service.is_usable)
    await worker.stop_when_done()


async def main() -> None:
    logger.remove()
    service = GladiaSTTService(api_key=task["key"], url=task["url"] + "/v2/live")
    worker = PipelineWorker(Pipeline([service]), params=PipelineParams(audio_in_sample_rate=RATE))

    @service.event_handler("on_connected")
    async def connected(_service):
        report("connected", at=time.time())

    @service.event_handler("on_disconnected")
    async def disconnected(_service):
        report("disconnected", at=time.time())

    @worker.event_handler("on_pipeline_error")
    async def failed(_worker, frame):
        report("error", at=time.time(), message=str(frame.error))

    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    await asyncio.gather(runner.run(), speak(worker, service))


asyncio.run(main())
