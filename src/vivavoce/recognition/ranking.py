"""Ranking of models by their measured processor time and accuracy.

Figures are only compared if they come from the same recordings. The first model is the default:
another takes its place only if both were measured and it did better.
"""

from collections.abc import Callable, Sequence

from vivavoce.recognition.catalogue import Measurement, Model


def lightest(models: Sequence[Model], language: str) -> int:
    """Return the index of the model that takes the least processor time in a language.

    Args:
        models: at least one; all support the language.
        language: code.
    """
    return _least(models, language, lambda figures: figures.cpu)


def most_accurate(models: Sequence[Model], language: str) -> int:
    """Return the index of the model that makes the fewest errors in a language."""
    return _least(models, language, lambda figures: figures.error_percent)


def _least(models: Sequence[Model], language: str, figure: Callable[[Measurement], float]) -> int:
    """Return the index of the lowest figure, the first among equals."""
    found = _comparable(models, language)
    return min(found, key=lambda place: figure(found[place]), default=0)


def _comparable(models: Sequence[Model], language: str) -> dict[int, Measurement]:
    """Return figures by model index, from the first recordings that the first model shares."""
    for ours in _measured(models[0], language):
        found = {
            place: theirs
            for place, model in enumerate(models)
            for theirs in _measured(model, language)
            if (theirs.corpus, theirs.languages) == (ours.corpus, ours.languages)
        }
        if len(found) > 1:
            return found
    return {}


def _measured(model: Model, language: str) -> list[Measurement]:
    return [figures for figures in model.measured if language in figures.languages]
