from pathlib import Path

import pytest

from vivavoce.inference import open_graph
from vivavoce.places import models_folder
from vivavoce.speech.silero import VoiceActivity

MODEL = Path("silero-vad-6.2", "silero_vad_16k_sequence.onnx")


@pytest.fixture(scope="session")
def voice_activity() -> VoiceActivity:
    path = models_folder() / MODEL
    if not path.exists():
        pytest.skip("the voice activity model is not there: run make models")
    return VoiceActivity(open_graph(path))
