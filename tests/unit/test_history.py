"""The history checker must be able to catch every way in which a promise can be broken."""

import io
import json
import re
import wave
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from history import History, Json, Violation, violations

ID = "one"
AUDIO = bytes(range(200))


def ack(begin: int, end: int) -> Json:
    return {
        "type": "audio_chunk",
        "session_id": ID,
        "acknowledged": True,
        "data": {"byte_range": [begin, end]},
    }


def spoken(number: int, text: str, *, final: bool = True, channel: int = 0) -> Json:
    utterance = {"start": float(number), "channel": channel, "text": f" {text}"}
    data = {"id": f"{channel}_{number}", "is_final": final, "utterance": utterance}
    return {"type": "transcript", "session_id": ID, "data": data}


def wav(samples: bytes) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((1, 2, 16_000, 0, "NONE", "not compressed"))
        writer.writeframes(samples)
    return file.getvalue()


def job(*finals: Json, **changes: Any) -> Json:
    utterances = [final["data"]["utterance"] for final in finals]
    transcription = {
        "full_transcript": " ".join(u["text"].strip() for u in utterances),
        "utterances": utterances,
    }
    result = {"transcription": transcription, "messages": [json.dumps(f) for f in finals]}
    return {"id": ID, "status": "done", "result": result | changes}


ONE, TWO, THREE = spoken(1, "one"), spoken(2, "two"), spoken(3, "three")


@dataclass
class Story:
    """A session over two connections, in which all went well; tests spoil it."""

    first: list[Json] = field(default_factory=lambda: [ack(0, 100), ONE, ack(100, 150)])
    second: list[Json] = field(default_factory=lambda: [ack(150, 200), TWO, THREE])
    code: int = 1000
    kept: bytes = AUDIO
    job: Json = field(default_factory=lambda: job(ONE, TWO, THREE))

    @property
    def history(self) -> History:
        history = History(clock=lambda: 0.0)
        history.opened()
        history.sent(AUDIO)
        for message in self.first:
            history.heard(message)
        history.closed(1006)
        history.opened()
        for message in self.second:
            history.heard(message)
        history.closed(self.code)
        return history

    def violations(self, like: list[Json] | None = None) -> list[str]:
        return list(violations(self.history, self.job, wav(self.kept), like))


def test_a_session_that_went_well_breaks_no_promise() -> None:
    story = Story()
    assert story.violations([m["data"] for m in (ONE, TWO, THREE)]) == []
    story.history.check(story.job, wav(AUDIO))


def test_what_comes_again_unchanged_on_a_new_connection_breaks_no_promise() -> None:
    assert Story(second=[ONE, ack(100, 200), TWO, THREE]).violations() == []


def test_unacknowledged_audio_may_be_missing_where_the_client_did_not_see_the_end() -> None:
    story = Story(second=[ONE], code=1006, kept=AUDIO[:160], job=job(ONE, TWO))
    assert story.violations() == []


def told_again(story: Story) -> None:
    story.second += [TWO]


def with_other_words(story: Story) -> None:
    story.second[:0] = [spoken(1, "won")]


def out_of_order(story: Story) -> None:
    story.second[1:] = [THREE, TWO]


def older_than_before(story: Story) -> None:
    story.first.insert(1, TWO)
    story.first.remove(ONE)
    story.second[1:] = [ONE, THREE]


def partial_after_final(story: Story) -> None:
    story.second.insert(0, spoken(1, "on", final=False))


def ack_after_a_gap(story: Story) -> None:
    story.second[0] = ack(160, 200)


def ack_that_goes_back(story: Story) -> None:
    story.second.insert(0, ack(0, 100))


def ack_of_unsent_bytes(story: Story) -> None:
    story.second[0] = ack(150, 201)


def lost_bytes(story: Story) -> None:
    story.code, story.kept = 1006, AUDIO[:198]


def lost_unacknowledged_bytes(story: Story) -> None:
    story.second.pop(0)
    story.kept = AUDIO[:160]


def doubled_bytes(story: Story) -> None:
    story.kept = AUDIO[:100] + AUDIO[50:]


def altered_bytes(story: Story) -> None:
    story.kept = AUDIO[:60] + b"\0" + AUDIO[61:]


def final_not_in_the_result(story: Story) -> None:
    story.job = job(ONE, THREE)


def final_not_in_the_result_of_a_client_that_left(story: Story) -> None:
    story.code = 1006
    story.job = job(TWO, THREE)


def final_never_told(story: Story) -> None:
    story.second.remove(TWO)


def final_twice_in_the_messages(story: Story) -> None:
    messages = [json.dumps(message) for message in (ONE, TWO, TWO, THREE)]
    story.job = job(ONE, TWO, THREE, messages=messages)


def other_transcript(story: Story) -> None:
    story.job["result"]["transcription"]["full_transcript"] = "one two"


def never_done(story: Story) -> None:
    story.job = {"id": ID, "status": "error"}


def word_of_another_session(story: Story) -> None:
    story.second[1] = TWO | {"session_id": "another"}


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (told_again, "finals: 0_2 came twice"),
        (with_other_words, "finals: 0_1 came again with other words"),
        (out_of_order, "finals: 0_2 came out of order"),
        (older_than_before, "finals: 0_1 came out of order"),
        (partial_after_final, "partials: 0_1 came after its final"),
        (ack_after_a_gap, "acks: 160-200 came after 150: a gap"),
        (ack_that_goes_back, "acks: 0-100 came after 150: they went back"),
        (ack_of_unsent_bytes, "acks: 150-201 came when 200 bytes"),
        (lost_bytes, "recording: ends at 198, 200 bytes were acknowledged"),
        (lost_unacknowledged_bytes, "recording: ends at 160 of 200 bytes"),
        (doubled_bytes, "recording: 250 bytes, of 200 sent, differ from byte 100 on"),
        (altered_bytes, "recording: 200 bytes, of 200 sent, differ from byte 60 on"),
        (final_not_in_the_result, "result: 2 found, 3 wanted, different from number 1 on"),
        (final_not_in_the_result_of_a_client_that_left, "result: lacks finals"),
        (final_never_told, "result: 3 found, 2 wanted"),
        (final_twice_in_the_messages, "result: 0_2 is told 2 times"),
        (other_transcript, "result: the full transcript is not its utterances"),
        (never_done, "result: the session is error"),
        (word_of_another_session, "messages: some were of other sessions: {'another'}"),
    ],
)
def test_a_broken_promise_is_found(spoil: Callable[[Story], None], said: str) -> None:
    story = Story()
    spoil(story)
    assert any(violation.startswith(said) for violation in story.violations())
    with pytest.raises(Violation, match=re.escape(said)):
        story.history.check(story.job, wav(story.kept))


def test_finals_of_two_channels_need_no_common_order() -> None:
    other = spoken(1, "uno", channel=1)
    story = Story(second=[ack(150, 200), TWO, other, THREE])
    story.job = job(ONE, other, TWO, THREE)
    assert story.violations() == []


def test_a_transcript_unlike_that_of_a_run_without_faults_is_found() -> None:
    like = [m["data"] for m in (ONE, TWO, spoken(3, "tree"))]
    assert any(found.startswith("finals: ") for found in Story().violations(like))


def test_a_history_can_be_kept_for_a_later_look(tmp_path: Path) -> None:
    history = Story().history
    history.write(tmp_path / "history.jsonl")
    lines = (tmp_path / "history.jsonl").read_text().splitlines()
    assert [json.loads(line)["kind"] for line in lines][:2] == ["opened", "sent"]
    assert len(lines) == len(history.events)
