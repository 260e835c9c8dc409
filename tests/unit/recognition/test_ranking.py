"""Which model is lighter, and which hears better: only comparable figures decide."""

from vivavoce.recognition.catalogue import HubSource, Measurement, Model, ModelFile, load_catalogue
from vivavoce.recognition.ranking import lightest, most_accurate


def model(name: str, *measured: Measurement) -> Model:
    source = HubSource("owner/name", "0" * 40, {"model.bin": "model.bin"})
    return Model(
        id=name,
        task="transcribe",
        summary="",
        licence=None,
        upstream="",
        sources=(source,),
        files=(ModelFile("model.bin", 1, "0" * 64),),
        measured=measured,
    )


def figures(corpus: str, error: float, cpu: float, *languages: str) -> Measurement:
    return Measurement(corpus, languages or ("en",), error, cpu)


def test_the_model_with_fewer_errors_and_the_one_that_takes_less_time_need_not_be_the_same() -> (
    None
):
    models = [model("light", figures("a", 20, 0.1)), model("heavy", figures("a", 10, 0.4))]
    assert (lightest(models, "en"), most_accurate(models, "en")) == (0, 1)


def test_figures_of_other_recordings_are_not_compared() -> None:
    models = [model("one", figures("a", 20, 0.4)), model("other", figures("b", 1, 0.01))]
    assert (lightest(models, "en"), most_accurate(models, "en")) == (0, 0)


def test_nor_are_those_of_other_languages() -> None:
    german = figures("a", 1, 0.01, "de")
    models = [model("one", figures("a", 20, 0.4)), model("other", german)]
    assert most_accurate(models, "en") == 0


def test_nor_is_a_mean_over_other_languages() -> None:
    many = figures("a", 1, 0.01, "en", "de")
    models = [model("one", figures("a", 20, 0.4)), model("other", many)]
    assert most_accurate(models, "en") == 0


def test_the_first_recordings_that_the_first_model_shares_decide() -> None:
    models = [
        model("one", figures("own", 1, 1), figures("a", 20, 0.1), figures("b", 5, 0.1)),
        model("other", figures("b", 9, 0.4), figures("a", 10, 0.4)),
    ]
    assert most_accurate(models, "en") == 1


def test_a_model_without_figures_keeps_its_place_and_gets_nobody_elses() -> None:
    measured = model("measured", figures("a", 10, 0.1))
    assert most_accurate([model("none"), measured], "en") == 0
    assert lightest([measured, model("none")], "en") == 0


def test_of_equal_models_the_first_is_taken() -> None:
    models = [model(name, figures("a", 10, 0.1)) for name in ("one", "other")]
    assert (lightest(models, "en"), most_accurate(models, "en")) == (0, 0)


def test_in_english_the_catalogues_default_models_are_a_fast_and_an_accurate_one() -> None:
    english = [each for each in load_catalogue().defaults() if "en" in each.languages]
    chosen = english[lightest(english, "en")], english[most_accurate(english, "en")]
    assert [each.id for each in chosen] == ["moonshine-tiny-en", "whisper-base"]
