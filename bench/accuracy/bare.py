"""Transcribes recordings with the engine alone, without server, VAD or cuts.

The exception is recordings over 20 s, which the engine itself divides at a quiet point.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from speech_corpus import open_engine

from accuracy.sound import Sound
from vivavoce.places import models_folder
from vivavoce.protocol.request import InitRequest, LanguageConfig
from vivavoce.recognition.contract import DecodeRequest
from vivavoce.recognition.store import ModelStore
from vivavoce.server.voices import Voices


def hear_whole(
    sounds: Sequence[Sound], language: str, models: Path | None, done: Callable[[Sound], None]
) -> tuple[list[tuple[str, ...]], float]:
    """Decode every channel of every recording.

    Returns:
        The texts by recording and channel, and the CPU seconds of the engine alone.
    """
    store = ModelStore(models or models_folder())
    request = InitRequest(language_config=LanguageConfig((language,)))
    engine = open_engine(Voices(store).choose(request).first, models)
    engine.warm_up()
    texts: list[tuple[str, ...]] = []
    spent = 0.0
    for sound in sounds:
        requests = [
            DecodeRequest(channel.astype("<f4").tobytes(), "final", language)
            for channel in sound.samples()
        ]
        before = time.process_time()
        found = engine.decode(requests)
        spent += time.process_time() - before
        texts.append(tuple(hypothesis.text for hypothesis in found))
        done(sound)
    return texts, spent
