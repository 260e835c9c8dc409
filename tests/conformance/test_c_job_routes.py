"""C. Job routes: what is stored of a session, its recording, notes and deletion."""

import io
import json
import uuid

import soundfile

from conformance.support import ENGLISH, OTHER_KEY, Run, finish, mono, run
from integration.server_process import ServerProcess
from integration.speech import BEST, TIMES, pieces, word_error_rate
from integration.wire import Api, session

UNKNOWN = ("00000000-0000-0000-0000-000000000000", str(uuid.uuid4()), "not-a-uuid")
REQUIRED = {"id", "request_id", "version", "status", "created_at", "kind"}


async def test_036_a_fresh_session_has_the_required_keys(api: Api) -> None:
    """GET of a fresh session has the six required keys and `kind:"live"`, `version:2`."""
    made = await api.create()
    job = await api.job(made.id)
    assert set(job) >= REQUIRED
    assert (job["id"], job["created_at"]) == (made.id, made.created_at)
    assert (job["kind"], job["version"], job["status"]) == ("live", 2, "queued")
    assert job["request_id"] == f"G-{made.id[:8]}"


async def test_037_a_session_is_done_soon_after_its_end(api: Api) -> None:
    """GET after the end has `status` `done` or `processing`, and reaches `done`."""
    async with session(api, **ENGLISH) as (made, talking):
        await finish(talking, pieces(mono(BEST), 6400))
    assert (await api.job(made.id))["status"] in {"done", "processing"}
    assert (await api.done(made.id))["completed_at"] >= made.created_at


async def test_038_the_metadata_has_its_four_fields(plain: Run) -> None:
    """`result.metadata` has its four fields; `billing_time = audio_duration × channels`."""  # noqa: RUF002
    metadata = plain.result["metadata"]
    assert set(metadata) == {
        *("audio_duration", "number_of_distinct_channels", "billing_time", "transcription_time")
    }
    assert metadata["audio_duration"] == round(len(plain.audio) / 32_000, 3)
    assert metadata["number_of_distinct_channels"] == 1
    assert metadata["billing_time"] == metadata["audio_duration"]
    assert metadata["transcription_time"] > 0


async def test_039_the_transcription_is_there_when_done(plain: Run) -> None:
    """`result.transcription.full_transcript`, `languages`, `utterances` are present when done."""
    found = plain.result["transcription"]
    assert set(found) == {"full_transcript", "languages", "utterances"}
    assert word_error_rate(TIMES.words, found["full_transcript"]) <= 0.1
    assert found["languages"] == ["en"]
    assert found["utterances"] == [final["utterance"] for final in plain.finals]


async def test_040_the_messages_are_texts(plain: Run) -> None:
    """`result.messages` is an array of strings."""
    stored = [json.loads(text) for text in plain.result["messages"]]
    acks = ("audio_chunk", "stop_recording")
    assert stored == [message for message in plain.messages if message["type"] not in acks]


async def test_041_metadata_stands_apart_from_the_request(plain: Run) -> None:
    """`custom_metadata` is returned as sent; `request_params` does not contain it."""
    assert plain.job["custom_metadata"] == {"user": "John"}
    assert "custom_metadata" not in plain.job["request_params"]
    assert plain.job["request_params"]["language_config"]["languages"] == ["en"]


async def test_042_there_is_no_result_before_the_end(api: Api) -> None:
    """`completed_at` and `result` are null before the end."""
    async with session(api, **ENGLISH) as (made, talking):
        fresh = await api.job(made.id)
        await talking.send([bytes(6400)])
        await talking.acknowledged(6400)
        recording = await api.job_in(made.id, "processing")
        await finish(talking)
    for job in (fresh, recording):
        assert (job["completed_at"], job["result"], job["file"]) == (None, None, None)


async def test_043_an_unknown_id_is_not_found(api: Api) -> None:
    """Unknown id → 404 for GET, DELETE, PATCH, file."""
    for unknown in UNKNOWN:
        path = f"/v2/live/{unknown}"
        for method, route in (("GET", path), ("DELETE", path), ("GET", f"{path}/file")):
            assert (await api.call(method, route)).status_code == 404
        assert (await api.call("PATCH", path, {"note": 1})).status_code == 404


async def test_044_the_session_of_another_account_is_not_found(
    server: ServerProcess, plain: Run
) -> None:
    """Another account's id → 404."""
    other = Api(server.url, OTHER_KEY)
    path = f"/v2/live/{plain.session.id}"
    for method, route in (("GET", path), ("DELETE", path), ("GET", f"{path}/file")):
        assert (await other.call(method, route)).status_code == 404
    assert (await other.call("PATCH", path, {})).status_code == 404
    assert (await other.call("GET", "/v2/live")).json()["items"] == []


async def test_045_the_recording_is_there_right_after_the_close(api: Api) -> None:
    """`GET …/file` right after close 1000 gives bytes starting with `RIFF`."""
    audio = mono(BEST)
    async with session(api, **ENGLISH) as (made, talking):
        await finish(talking, pieces(audio, 6400))
        assert talking.close_code == 1000
        recording = await api.recording(made.id)
    assert recording.startswith(b"RIFF")
    with soundfile.SoundFile(io.BytesIO(recording)) as file:
        assert (file.samplerate, file.channels) == (16_000, 1)
        assert bytes(file.buffer_read(dtype="int16")) == audio


async def test_046_the_recording_is_an_octet_stream(api: Api, plain: Run) -> None:
    """File content type is `application/octet-stream`."""
    answer = await api.call("GET", f"/v2/live/{plain.session.id}/file")
    assert answer.headers["content-type"] == "application/octet-stream"
    file = plain.job["file"]
    assert set(file) == {"id", "filename", "source", "audio_duration", "number_of_channels"}
    assert file["filename"] == f"{plain.session.id}.wav"


async def test_047_a_running_session_cannot_be_deleted(api: Api) -> None:
    """DELETE while running → 403."""
    async with session(api, **ENGLISH) as (made, talking):
        for _ in range(2):  # before and after the first audio
            refused = await api.call("DELETE", f"/v2/live/{made.id}")
            assert refused.status_code == 403
            assert refused.json()["message"]
            await talking.send([bytes(6400)])
            await talking.acknowledged(6400)
        await finish(talking)


async def test_048_a_finished_session_can_be_deleted_once(api: Api) -> None:
    """DELETE when finished → 202 with an empty body; the next GET → 404."""
    gone = await run(api, mono(BEST))
    path = f"/v2/live/{gone.session.id}"
    deleted = await api.call("DELETE", path)
    assert (deleted.status_code, deleted.content) == (202, b"")
    for method, route in (("GET", path), ("GET", f"{path}/file"), ("DELETE", path)):
        assert (await api.call(method, route)).status_code == 404


async def test_049_notes_are_stored_by_patch(api: Api) -> None:
    """PATCH with an object → 204, its data shows in `post_session_metadata`; over 100 kB → 413."""
    made = await api.create()
    path = f"/v2/live/{made.id}"
    assert (await api.job(made.id))["post_session_metadata"] == {}
    note = {"rating": 5, "nested": {"deep": [1, None, "ü"]}}
    patched = await api.call("PATCH", path, note)
    assert (patched.status_code, patched.content) == (204, b"")
    assert (await api.job(made.id))["post_session_metadata"] == note
    for wrong in (b"[]", b"{", b"1", b""):
        assert (await api.call("PATCH", path, raw=wrong)).status_code == 400
    assert (await api.call("PATCH", path, {"n": "x" * 100_000})).status_code == 413
    assert (await api.job(made.id))["post_session_metadata"] == note
