"""Which installed model listens to a session."""

from pathlib import Path

from vivavoce.protocol.request import InitRequest
from vivavoce.recognition.catalogue import Model, load_catalogue
from vivavoce.recognition.frames import EngineSpec
from vivavoce.recognition.loading import Device, has_engine
from vivavoce.recognition.model_errors import ModelMissingError
from vivavoce.recognition.store import ModelStore
from vivavoce.session.runner import Voice

VOICE_ACTIVITY = "silero-vad-6.2"
VOICE_ACTIVITY_FILE = "silero_vad_16k_sequence.onnx"
DEFAULT_LANGUAGE = "en"


class Voices:
    """The models that a server starts with, by language."""

    def __init__(self, store: ModelStore) -> None:
        self._store = store
        catalogue = load_catalogue()
        self._voice_activity = catalogue.model(VOICE_ACTIVITY)
        self._models: dict[str, Model] = {}
        for model in catalogue.defaults():
            if model.task == "transcribe" and has_engine(model):
                for language in model.languages:
                    self._models.setdefault(language, model)

    def check(self) -> None:
        """Every model is installed.

        Raises:
            ModelMissingError: one is not; the text names the command that fetches it.
        """
        for model in (self._voice_activity, *self._models.values()):
            self._store.path(model)

    def engines(self, device: Device = "cpu") -> dict[str, EngineSpec]:
        """What the workers load, by the model's id."""
        return {model.id: self._spec(model, device) for model in self._models.values()}

    def _spec(self, model: Model, device: Device) -> EngineSpec:
        folder = str(self._store.path(model))
        return EngineSpec(
            "vivavoce.recognition.loading:load_model",
            {"model_id": model.id, "folder": folder, "device": device},
            model.memory_mb,
        )

    def voice_activity_model(self) -> Path:
        """Path of the voice activity model."""
        return self._store.path(self._voice_activity) / VOICE_ACTIVITY_FILE

    def refusal(self, request: InitRequest) -> str | None:
        """Why no installed model can serve a request; None when one can."""
        wanted = request.language_config.languages
        if not wanted or any(language in self._models for language in wanted):
            return None
        known = ", ".join(sorted(self._models))
        return (
            f"no installed model transcribes {', '.join(wanted)}; installed languages: {known}. "
            "See 'vivavoce models list' for what can be installed"
        )

    def choose(self, request: InitRequest) -> Voice:
        """The model and language for a request: its first language that a model knows."""
        for language in (*request.language_config.languages, DEFAULT_LANGUAGE):
            if model := self._models.get(language):
                return Voice(model.id, language)
        raise ModelMissingError(f"no model transcribes {DEFAULT_LANGUAGE}")
