"""``vivavoce serve`` with the scripted engine in place of every model that transcribes.

A program of its own, so that the server it tests has no way to do this. Everything else is the
real thing: settings, journal, voice activity, scheduler and worker processes.
"""

import argparse
import sys
from pathlib import Path

from vivavoce.recognition.choosing import Chosen
from vivavoce.recognition.frames import EngineSpec
from vivavoce.recognition.loading import Device
from vivavoce.recognition.store import ModelStore
from vivavoce.server import logs, serving, settings
from vivavoce.server.qualities import Choice
from vivavoce.server.voices import FAVOURITE, Voices

LOADER = "vivavoce.recognition.engines.scripted:load"


class ScriptedVoices(Voices):
    """The real voice activity; what is said is a pure function of the audio."""

    def __init__(self, store: ModelStore, spec: EngineSpec) -> None:
        super().__init__(store)
        model = Chosen(self._usable[0], Path(), (FAVOURITE,), identifies=False)
        self._choices = {FAVOURITE: Choice(model, model, model)}
        self._engine = spec

    def check(self) -> None:
        """Only voice activity needs a model."""
        self.voice_activity_model()

    def engines(self, device: Device = "cpu") -> dict[str, EngineSpec]:
        """The scripted engine under the name that sessions ask for."""
        return dict.fromkeys(super().engines(device), self._engine)


def main() -> None:
    """Serve until a signal comes."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--real-time-factor", type=float, default=0.0)
    parser.add_argument("--faults", nargs="*", default=[])
    parser.add_argument("--leak", type=int, default=0)
    given = parser.parse_args()
    asked = {name: getattr(given, name) for name in ("real_time_factor", "faults", "leak")}
    spec = EngineSpec(LOADER, asked)
    chosen = settings.load(None, {"port": given.port, "data": given.data})
    logs.configure(chosen.log_level)
    try:
        serving.serve(chosen, announce, lambda store: ScriptedVoices(store, spec))
    except (serving.StartError, serving.StorageFailedError) as error:
        sys.exit(f"vivavoce: {error}")


def announce(url: str, _made_key: str | None) -> None:
    """Say that connections are accepted."""
    sys.stdout.write(f"ready {url}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
