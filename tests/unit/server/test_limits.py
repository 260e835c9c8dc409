"""The table of limits against the code: a bound that is missing there fails this test."""

import ast
import re
from pathlib import Path

import vivavoce
from vivavoce.server.limits import LIMITS
from vivavoce.server.settings import Settings

SOURCE = Path(vivavoce.__file__).parent
SERVING = (
    "archive",
    "audio",
    "delivery",
    "journal",
    "protocol",
    "recognition",
    "server",
    "session",
    "speech",
)
BOUND = re.compile(r"(MAX|MOST)_\w+|\w+_(SECONDS|BYTES|PER_SECOND)|BACKLOG|RATE|BURST|PATIENCE")

NO_BOUNDS = {
    # lengths of sounds and of speech, not times that anybody waits
    "audio/resampler.py": {"SEGMENT_SECONDS", "OVERLAP_SECONDS"},
    "audio/recording.py": {"_MAX_PLAIN_CHANNELS", "_MAX_PLAIN_BYTES"},
    "recognition/engines/scripted.py": {"WORD_SECONDS", "GAP_SECONDS"},
    # sizes in which something is cut, not bounds at which something happens
    "archive/recordings.py": {"BLOCK_BYTES"},
    # how much audio an inspection looks at; nothing ends at it
    "audio/arrival_rate.py": {"WINDOW_SECONDS"},
    "audio/chunk_inspection.py": {"MAX_OPUS_BYTES", "MOST_PARSED"},
    "audio/inspection.py": {"PERIOD_SECONDS", "MOST_BLOCK_BYTES"},
    "audio/wav_header.py": {"_PREAMBLE_BYTES"},
    "delivery/endpoints.py": {"SECRET_BYTES"},
    "journal/outlet.py": {"BLOCK_BYTES"},
    "journal/schema.py": {"PAGE_BYTES"},
    "journal/store.py": {"PROBE_BYTES", "ROW_BYTES"},
    "journal/sweeper.py": {"SLICE_BYTES"},
    "server/websocket/peer.py": {"LONG_TEXT_BYTES"},
    "speech/silero.py": {"_MEMORY_BYTES"},
    "protocol/signatures.py": {"SECRET_BYTES"},
    "recognition/download.py": {"_MOST_METADATA"},  # of `models pull`, which does not serve
    # a day
    "archive/records.py": {"_DAY_SECONDS"},
    # how often something old is swept out; what is old is listed
    "delivery/dispatcher.py": {"TIDY_SECONDS"},
    # part of others that are listed
    "delivery/retry_after.py": {"MAX_SECONDS", "MAX_CHARACTERS"},
    "journal/writer.py": {"_COMMIT_BYTES", "_SLICE_BYTES"},
    "protocol/overfull.py": {"MAX_KEY_CHARACTERS"},
    "recognition/engines/moonshine.py": {"_TOKENS_PER_SECOND"},
    "recognition/engines/whisper.py": {"_MAX_BATCH"},
    "recognition/engines/whisper_care.py": {"_MOST_COMPRESSIBLE"},
    "recognition/engines/whisper_listening.py": {"_TOKENS_PER_SECOND"},
    "recognition/engines/whisper_model.py": {"MOST_TOKENS"},  # the model's own
    "recognition/jobs.py": {"PATIENCE"},  # deadlines that order a queue; nothing ends at them
    "recognition/validation.py": {"_CHARACTERS_PER_SECOND"},
    "recognition/frames.py": {"LENGTH_BYTES"},
    "server/listing.py": {"MAX_NAME"},
    "server/http/connections.py": {"MAX_PER_ADDRESS"},  # the default of a setting that is listed
    "server/http/refusals.py": {"LOG_SECONDS"},
    "server/http/protocol.py": {"_REST_SECONDS"},
    # when something is looked at, told or handed back, not when something ends
    "server/disk.py": {"FRESH_SECONDS"},
    "server/watchdog.py": {"PERIOD_SECONDS", "LATE_SECONDS", "QUIET_SECONDS"},
    "server/mute_watch.py": {"STORAGE_RETRY_SECONDS"},
    "session/mute_detector.py": {"RETRY_SECONDS"},
    "session/hearing.py": {"TURN_SECONDS"},
    "server/coarse_timers.py": {"STEP_SECONDS"},
    "server/read_receipts.py": {"TICK_SECONDS", "STREAMING_SECONDS"},
    "server/turns.py": {"TURN_SECONDS"},
    "session/context.py": {"PATIENT_SECONDS", "HASTY_SECONDS"},  # stand in the setting `context`
    "session/dozing.py": {"DOZE_SECONDS"},
    "session/display.py": {"PATIENCE"},  # speech heard after a word
    "session/sessions.py": {"NEW_SECONDS"},  # audio after which a session counts as measured
    "session/life.py": {"READER_CHECK_SECONDS"},
}


def bounds() -> dict[str, set[str]]:
    """Names of the constants that look like bounds, by file."""
    found: dict[str, set[str]] = {}
    for room in SERVING:
        for path in (SOURCE / room).rglob("*.py"):
            name = path.relative_to(SOURCE).as_posix()
            for node in ast.parse(path.read_text()).body:
                targets = node.targets if isinstance(node, ast.Assign) else []
                targets = [node.target] if isinstance(node, ast.AnnAssign) else targets
                for target in targets:
                    if isinstance(target, ast.Name) and BOUND.fullmatch(target.id.lstrip("_")):
                        found.setdefault(name, set()).add(target.id)
    return found


def test_every_constant_that_bounds_something_stands_in_the_table() -> None:
    table = "".join(path.read_text() for path in (SOURCE / "server").glob("*limits.py"))
    missing = {
        f"{file}: {name}"
        for file, names in bounds().items()
        for name in names - NO_BOUNDS.get(file, set())
        # What the table builds from dataclasses is found by its defaults there.
        if not re.search(rf"\b{Path(file).stem}\w*\.{name}\b|wire\.{name}\b", table)
    }
    assert not missing


def test_no_queue_of_the_server_is_without_a_bound() -> None:
    unbounded = re.compile(r"asyncio\.(Lifo|Priority)?Queue(\[.*?\])?\(\)|queue\.Queue\(\)")
    found = [
        path.name
        for room in SERVING
        for path in (SOURCE / room).rglob("*.py")
        if unbounded.search(path.read_text())
    ]
    assert not found


def test_every_limit_is_finite_and_positive_and_says_what_happens() -> None:
    for limit in LIMITS:
        assert 0 < limit.value < float("inf"), limit.name
        assert limit.reached


def test_settings_in_the_table_exist() -> None:
    named = {limit.setting for limit in LIMITS} - {""}
    assert named <= set(Settings.model_fields)
