"""Speech decoded with what was said before, by a real server and the real model."""

from pathlib import Path

from history import History
from integration.server_process import ServerProcess
from integration.speech import WHOLE, spoken, word_error_rate
from integration.wire import Api, finals, line, proved, spoken_through, text


async def test_finals_with_context_are_the_same_though_the_server_is_killed_in_between(
    own: ServerProcess,
) -> None:
    speech = spoken(WHOLE)
    api = Api(own.url)
    _, undisturbed = await spoken_through(api, speech.pieces())
    made = await api.create()
    history = History()
    most = len(speech.audio) * 9 // 10 & ~1
    for begin, end in ((0, most - 32_000), (most - 32_000, most)):
        async with line(made.url, history) as talking:
            await talking.send([speech.audio[begin:end]])
            await talking.acknowledged(end)
            while not (await talking.next("transcript"))["data"]["is_final"]:
                pass
            assert own.kill() == -9
            await talking.rest()
        own.start()
    async with line(made.url, history) as talking:
        await talking.send([speech.audio[most:]])
        await talking.stop()
        await talking.rest()
    assert history.finals == finals(undisturbed.heard)
    await proved(api, made, history, finals(undisturbed.heard))


async def test_context_is_what_makes_finals_better_and_can_be_turned_off(
    own: ServerProcess, tmp_path: Path
) -> None:
    speech = spoken(WHOLE)
    _, with_context = await spoken_through(Api(own.url), speech.pieces())
    with ServerProcess(tmp_path / "alone", {"VIVAVOCE_CONTEXT": "0"}).running() as server:
        _, alone = await spoken_through(Api(server.url), speech.pieces())
    assert len(finals(with_context.heard)) == len(finals(alone.heard))
    told, lonely = text(with_context.heard), text(alone.heard)
    assert told != lonely
    assert word_error_rate(speech.words, told) <= word_error_rate(speech.words, lonely)
    for data in finals(with_context.heard):
        utterance = data["utterance"]
        words = utterance["words"]
        assert utterance["start"] <= words[0]["start"] < words[-1]["end"] <= utterance["end"]
