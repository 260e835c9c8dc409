"""H. Transcripts and speech events: sessions in several languages."""

from conformance.support import mono, run
from integration.speech import BEST, FRENCH
from integration.wire import Api


async def test_114_the_first_utterance_decides_the_language(api: Api) -> None:
    """Empty list, no code switching: language of the first utterance is kept."""
    languages = {"languages": [], "code_switching": False}
    for audio, expected in ((mono(FRENCH) + mono(BEST), "fr"), (mono(BEST) + mono(FRENCH), "en")):
        found = await run(api, audio, language_config=languages)
        assert len(found.finals) >= 2
        assert {final["utterance"]["language"] for final in found.finals} == {expected}


async def test_115_with_code_switching_each_utterance_has_its_language(api: Api) -> None:
    """Code switching with `["en","fr"]`: each utterance carries its own language out of the two."""
    languages = {"languages": ["en", "fr"], "code_switching": True}
    found = await run(api, mono(BEST) + mono(FRENCH), language_config=languages)
    told = [final["utterance"]["language"] for final in found.finals]
    assert told[0] == "en"
    assert set(told[1:]) == {"fr"}
    assert set(found.result["transcription"]["languages"]) == {"en", "fr"}
