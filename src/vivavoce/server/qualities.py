"""Which models answer to the names that a request's ``model`` may have, by language."""

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
    """Models that an operator names, as ``recognition.choosing.choose`` reads them.

    Attributes:
        use: preferred to the catalogue's defaults; of several that speak a language the first does.
        fast: serve those who ask for ``fast``, and make the partials of ``accurate``.
        accurate: make the finals of those who ask for ``accurate``.
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
        """Each of them."""
        return self.usual, self.fast, self.accurate

    def final(self, name: str) -> Chosen:
        """Who makes finals for a request's ``model``."""
        return {FAST: self.fast, ACCURATE: self.accurate}.get(name, self.usual)

    def partial(self, name: str) -> Chosen:
        """Who makes partials."""
        return self.fast if name in {FAST, ACCURATE} else self.usual


def choices(
    wishes: Wishes, defaults: Sequence[Chosen], catalogue: Catalogue, store: ModelStore
) -> dict[str, Choice]:
    """The models for every language that one of them speaks.

    For each name the operator's wish counts first, then the figures (``recognition.ranking``).
    Where one model speaks a language it answers to all names.

    Args:
        wishes: the operator's.
        defaults: installed models of the catalogue, the better before the others.
        catalogue: the models known by id.
        store: the models on disk.

    Raises:
        ModelError: one of the wishes cannot be had.
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
    """Workers go by a model's name, so no two folders may share one."""
    folders = {each.model.id: each.folder for each in models}
    for each in models:
        other = folders[each.model.id]
        if other != each.folder:
            raise ModelChoiceError(
                f"use_models: {each.folder} and {other} have the same name: rename one"
            )
