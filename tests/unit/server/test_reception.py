"""New sessions while an engine that they need cannot start."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from vivavoce.protocol.errors import ApiError
from vivavoce.protocol.request import InitRequest
from vivavoce.recognition.workload import Workload
from vivavoce.server.app import failing_engine
from vivavoce.server.reception import Reception
from vivavoce.session.language import LanguageRules
from vivavoce.session.runner import Voice

VOICE = Voice(LanguageRules(("en",)), {"en": "scribe"}, "", {"en": "sketch"})


def reception(*unavailable: str) -> Reception:
    recogniser = cast(
        "Any",
        SimpleNamespace(
            unavailable=frozenset(unavailable), load=lambda: Workload().load(0.0), sizes={}
        ),
    )
    sessions = cast("Any", SimpleNamespace(newcomers=list))
    failing = failing_engine(lambda _: VOICE, recogniser)
    return Reception(0, sessions, recogniser, lambda: 0.0, failing)


def test_a_session_whose_engine_cannot_start_is_refused_for_now_with_the_engines_name() -> None:
    with (
        pytest.raises(ApiError, match="scribe") as refusal,
        reception("scribe").admit(InitRequest()),
    ):
        pass
    assert refusal.value.status == 503
    assert refusal.value.retry_after


@pytest.mark.parametrize("unavailable", [(), ("other",), ("sketch",)])
def test_a_session_that_can_do_without_the_engine_is_let_in(unavailable: tuple[str, ...]) -> None:
    with reception(*unavailable).admit(InitRequest()):
        pass
