"""Selects the installed models that serve a session."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import structlog

from vivavoce.protocol.languages import SUBSTITUTES
from vivavoce.protocol.request import InitRequest
from vivavoce.recognition.catalogue import Model, load_catalogue
from vivavoce.recognition.choosing import Chosen, described
from vivavoce.recognition.frames import EngineSpec
from vivavoce.recognition.loading import Device, has_engine
from vivavoce.recognition.store import ModelStore
from vivavoce.server.qualities import Choice, Wishes, choices
from vivavoce.session.language import rules_for
from vivavoce.session.runner import Voice

VOICE_ACTIVITY = "silero-vad-6.2"
VOICE_ACTIVITY_FILE = "silero_vad_16k_sequence.onnx"
FAVOURITE = "en"
"""The language assumed if a request names none and no model identifies languages."""
IDENTIFIER = "whisper-base"
"""The language identification model suggested if none is installed."""

RUNTIME_MB = 150
"""Memory of a worker process in addition to the model's files, in MB.

whisper-base has files of 145 MB and takes 320 MB.
"""


log = structlog.get_logger(__name__)


class Voices:
    """The registry of the installed models, by language, as of the start of the server.

    Args:
        store: the models on disk.
        wishes: the operator's preferences.

    Raises:
        ModelError: a preferred model is not available.
    """

    def __init__(self, store: ModelStore, wishes: Wishes | None = None) -> None:
        self._store = store
        self._catalogue = load_catalogue()
        self._voice_activity = self._catalogue.model(VOICE_ACTIVITY)
        self._choices: dict[str, Choice] = choices(
            wishes or Wishes(), self._defaults(), self._catalogue, store
        )

    def _defaults(self) -> list[Chosen]:
        installed = self._store.installed(self._usable)
        return [described(model, self._store.path(model)) for model in installed]

    @property
    def _usable(self) -> tuple[Model, ...]:
        """The catalogue's transcription models with an engine, best first, installed or not."""
        models = self._catalogue.defaults()
        return tuple(model for model in models if model.task == "transcribe" and has_engine(model))

    def check(self) -> None:
        """Check that a voice activity model and at least one transcription model exist.

        Raises:
            ModelMissingError: a model is missing; the text names the command that installs it.
        """
        self._store.path(self._voice_activity)
        if not self._choices:
            self._store.path(self._usable[0])

    def engines(self, device: Device = "cpu") -> dict[str, EngineSpec]:
        """Return the engine specifications for the workers, by model id."""
        return {each.model.id: _spec(each, device) for each in self._in_use()}

    def _in_use(self) -> Iterable[Chosen]:
        """Yield every model that a request may select, the usual ones first."""
        yield from (choice.usual for choice in self._choices.values())
        yield from (each for choice in self._choices.values() for each in choice.models)

    def voice_activity_model(self) -> Path:
        """Return the path of the voice activity model."""
        return self._store.path(self._voice_activity) / VOICE_ACTIVITY_FILE

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that can be transcribed, ``FAVOURITE`` first."""
        return tuple(sorted(self._choices, key=lambda code: (code != FAVOURITE, code)))

    def refusal(self, request: InitRequest) -> str | None:
        """Return why the installed models cannot serve a request; None if they can.

        One missing language is enough: its speech would be transcribed as another language.
        """
        wanted = self._wanted(request)
        missing = [language for language in wanted if language not in self._choices]
        if missing:
            return f"no installed model transcribes {', '.join(missing)}; {self._remedy(missing)}"
        if len(set(wanted)) > 1 and not self._identifier:
            return (
                "no installed model tells languages apart, so only one can be named; "
                f"install one that does with: vivavoce models pull {IDENTIFIER}"
            )
        return None

    def _wanted(self, request: InitRequest) -> tuple[str, ...]:
        """Return a request's languages, each replaced by its substitute if it has no model."""
        wanted = request.language_config.languages
        return tuple(
            code if code in self._choices else SUBSTITUTES.get(code, code) for code in wanted
        )

    def _remedy(self, missing: Sequence[str]) -> str:
        """Return which model to install for languages, or which languages are available."""
        for model in self._usable:
            if set(missing) <= set(model.languages):
                return f"install one that does with: vivavoce models pull {model.id}"
        return f"installed languages: {', '.join(self.languages)}"

    @property
    def _identifier(self) -> str:
        """The language identification model that serves the most languages, or an empty text."""
        usual = [choice.usual for choice in self._choices.values()]
        able = [each for each in usual if each.identifies]
        spoken = [each.model.id for each in able]
        return max(spoken, key=spoken.count, default="")

    def choose(self, request: InitRequest) -> Voice:
        """Select the models and the language rules for a request that is not refused."""
        wanted = self._wanted(request)
        if not wanted and not self._identifier:
            wanted = self.languages[:1]
        switching = request.language_config.code_switching
        rules = rules_for(wanted, self.languages, switching=switching)
        chosen = {language: self._choices[language] for language in rules.candidates}
        finals = {code: each.final(request.model).model.id for code, each in chosen.items()}
        partials = {code: each.partial(request.model).model.id for code, each in chosen.items()}
        return Voice(rules, finals, self._identifier, partials)

    def tell(self) -> None:
        """Log the models of each language, by the value of a request's ``model``.

        Warns about installed models that cannot be used: another may serve in their place.
        """
        for model_id, problem in self._store.broken(self._usable).items():
            mend = f"vivavoce models pull {model_id}"
            log.warning("model_unusable", model=model_id, problem=problem, mend=mend)
        served: dict[tuple[str, ...], list[str]] = {}
        for language, choice in self._choices.items():
            served.setdefault(tuple(each.model.id for each in choice.models), []).append(language)
        for (usual, fast, accurate), languages in served.items():
            log.info(
                "models_in_use", languages=languages, default=usual, fast=fast, accurate=accurate
            )


def _spec(chosen: Chosen, device: Device) -> EngineSpec:
    model, folder = chosen.model, chosen.folder
    return EngineSpec(
        "vivavoce.recognition.loading:load_model",
        {"model_id": model.id, "folder": str(folder), "device": device},
        model.memory_mb or _memory_of(folder),
    )


def _memory_of(folder: Path) -> int:
    """Estimate the memory of an unmeasured model in MB: its files and ``RUNTIME_MB``."""
    return RUNTIME_MB + sum(path.stat().st_size for path in folder.iterdir()) // 1_000_000
