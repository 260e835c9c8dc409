"""What a viewer sees while speech is being understood."""

import io

import pytest
from rich.console import Console

from integration.protocol_double import transcript
from vivavoce.cli.captions import Captions, CaptionView, Partial


def test_what_two_partials_agree_on_is_stable() -> None:
    captions = Captions()
    captions.take(transcript("it was the", 0, 1, final=False))
    assert captions.partials[0] == Partial("00_00000000", "", " it was the")
    captions.take(transcript("it was a bright cold", 0, 2, final=False))
    assert captions.partials[0] == Partial("00_00000000", " it was", " a bright cold")


def test_another_utterance_begins_anew_and_a_final_clears() -> None:
    captions = Captions()
    captions.take(transcript("it was", 0, 1, final=False))
    captions.take(transcript("it was", 2, 3, final=False, number=1))
    assert captions.partials[0].stable == ""
    captions.take(transcript("it was", 2, 3, number=1))
    assert captions.partials == {}


@pytest.mark.parametrize("shown", [True, False])
def test_partials_are_drawn_only_where_they_are_shown(
    monkeypatch: pytest.MonkeyPatch, *, shown: bool
) -> None:
    monkeypatch.setenv("TERM", "xterm")  # a dumb terminal cannot be drawn on
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=80)
    with CaptionView(console, shown=shown) as view:
        view.take(transcript("hello [bold] world", 0, 1, final=False))
    assert ("[bold]" in out.getvalue()) == shown
