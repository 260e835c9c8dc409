"""``vivavoce serve`` with scripted engines: English at once, others when they may load."""

import argparse
import sys
import time
from pathlib import Path

from vivavoce.protocol.request import InitRequest
from vivavoce.recognition.engines import scripted
from vivavoce.recognition.engines.scripted import ScriptedEngine
from vivavoce.recognition.frames import EngineSpec
from vivavoce.recognition.loading import Device
from vivavoce.recognition.store import ModelStore
from vivavoce.server import logs, serving, settings
from vivavoce.server.voices import Voices
from vivavoce.session.language import LanguageRules
from vivavoce.session.runner import Voice

BETTER = "better"


def load(language: str, gate: str) -> ScriptedEngine:
    """Load an engine for one language, once the gate is there."""
    while not Path(gate).exists():
        time.sleep(0.05)
    return scripted.load(languages=[language])


class TwoVoices(Voices):
    """The real voice activity, an engine of 100 MB for each of two languages, a better one."""

    def __init__(self, store: ModelStore, folder: Path) -> None:
        super().__init__(store)
        loader = "integration.two_model_server:load"
        gate = str(folder / "gate")
        there = {"en": str(folder), "de": gate, BETTER: gate}
        self._specs = {
            name: EngineSpec(loader, {"language": "de" if name == "de" else "en", "gate": at}, 100)
            for name, at in there.items()
        }

    def check(self) -> None:
        """Only voice activity needs a model."""
        self.voice_activity_model()

    def engines(self, device: Device = "cpu") -> dict[str, EngineSpec]:  # noqa: ARG002 - it has none
        """One by each language, and the better one."""
        return self._specs

    def refusal(self, _: InitRequest) -> str | None:
        """Both are there."""
        return None

    def choose(self, request: InitRequest) -> Voice:
        """The engine of the first language; the better one for finals that are to be accurate."""
        (language,) = request.language_config.languages
        final = BETTER if request.model == "accurate" else language
        return Voice(LanguageRules((language,)), {language: final}, "", {language: language})


def main() -> None:
    """Serve until a signal comes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--data", type=Path, required=True)
    given = parser.parse_args()
    chosen = settings.load(None, {"port": given.port, "data": given.data})
    logs.configure(chosen.log_level)
    serving.serve(chosen, announce, lambda store: TwoVoices(store, given.data))


def announce(url: str, _made_key: str | None) -> None:
    """Say that connections are accepted."""
    sys.stdout.write(f"ready {url}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
