"""Selects the models for each value of a request's ``model``, by language."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from vivavoce.recognition.catalogue import Catalogue
from vivavoce.recognition.choosing import Chosen, choose
from vivavoce.recognition.model_errors import ModelChoiceError, ModelError
from vivavoce.recognition.ranking import lightest, most_accurate
from vivavoce.recognition.store import ModelStore

FAST = "fast"
ACCURATE = "accurate"


@dataclass(frozen=True, slots=True)
class Wishes:
    """The operator's model preferences, as names for ``recognition.choosing.choose``.

    Attributes:
        use: preferred to the catalogue's defaults; the first that supports a language serves it.
        fast: models for requests for ``fast``, and for the partials of ``accurate``.
        accurate: models for the finals of requests for ``accurate``.
    """

    use: Sequence[str] = ()
    fast: Sequence[str] = ()
    accurate: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """The models for one language."""

    usual: Chosen
    fast: Chosen
    accurate: Chosen

    @property
    def models(self) -> tuple[Chosen, ...]:
        """All three models."""
        return self.usual, self.fast, self.accurate

    def final(self, name: str) -> Chosen:
        """Return the model for finals, by the value of a request's ``model``."""
        return {FAST: self.fast, ACCURATE: self.accurate}.get(name, self.usual)

    def partial(self, name: str) -> Chosen:
        """Return the model for partials, by the value of a request's ``model``."""
        return self.fast if name in {FAST, ACCURATE} else self.usual


def choices(
    wishes: Wishes, defaults: Sequence[Chosen], catalogue: Catalogue, store: ModelStore
) -> dict[str, Choice]:
    """Select the models for every supported language.

    The operator's preferences take precedence over the ranking (``recognition.ranking``). If only
    one model supports a language, it serves all values of ``model``.

    Args:
        wishes: the operator's preferences.
        defaults: installed models of the catalogue, best first.
        catalogue: the models known by id.
        store: the models on disk.

    Raises:
        ModelError: a preferred model is not available.
    """

    def wished(setting: str, names: Sequence[str]) -> list[Chosen]:
        try:
            return [choose(name, catalogue, store) for name in names]
        except ModelError as error:
            raise ModelChoiceError(f"{setting}: {error}") from error

    use = wished("use_models", wishes.use)
    fast = wished("fast_models", wishes.fast)
    accurate = wished("accurate_models", wishes.accurate)
    _refuse_namesakes((*use, *fast, *accurate))
    spoken: dict[str, list[Chosen]] = {}
    for chosen in (*use, *defaults, *fast, *accurate):
        for language in chosen.languages:
            spoken.setdefault(language, []).append(chosen)
    return {
        language: _choice(language, models, fast, accurate) for language, models in spoken.items()
    }


def _choice(
    language: str, models: Sequence[Chosen], fast: Sequence[Chosen], accurate: Sequence[Chosen]
) -> Choice:
    known = [each.model for each in models]
    return Choice(
        usual=models[0],
        fast=_first(fast, language) or models[lightest(known, language)],
        accurate=_first(accurate, language) or models[most_accurate(known, language)],
    )


def _first(models: Iterable[Chosen], language: str) -> Chosen | None:
    return next((each for each in models if language in each.languages), None)


def _refuse_namesakes(models: Sequence[Chosen]) -> None:
    """Refuse two folders with the same model name, because workers identify models by name."""
    folders = {each.model.id: each.folder for each in models}
    for each in models:
        other = folders[each.model.id]
        if other != each.folder:
            raise ModelChoiceError(
                f"use_models: {each.folder} and {other} have the same name: rename one"
            )
