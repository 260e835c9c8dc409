from pathlib import Path

import platformdirs
import pytest

from vivavoce.speech.silero import VoiceActivity

MODEL = Path("models", "silero-vad-6.2", "silero_vad_16k_sequence.onnx")


@pytest.fixture(scope="session")
def voice_activity() -> VoiceActivity:
    path = platformdirs.user_cache_path("vivavoce") / MODEL
    if not path.exists():
        pytest.skip("the voice activity model is not there: run make models")
    return VoiceActivity(str(path))
