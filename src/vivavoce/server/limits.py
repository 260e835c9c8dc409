"""Every bound of the server in one table, each by the constant that the code goes by.

The rooms keep their own constants and know nothing of this table; ``docs/reference/limits.md`` is
made from it, and a test finds bounds in the code that are missing here.
"""

from vivavoce.archive import database
from vivavoce.audio import wav_header
from vivavoce.delivery import dispatcher
from vivavoce.journal import sqlite, tails, writer
from vivavoce.protocol import frames as wire
from vivavoce.protocol import request, validation
from vivavoce.recognition import desk, frames, recogniser, worker
from vivavoce.recognition.slot import Backoff
from vivavoce.recognition.worker_process import Patience
from vivavoce.server import (
    admission,
    answers,
    asking,
    gateway,
    http_line,
    listing,
    routes,
    serving,
    webhooks,
)
from vivavoce.server.delivery_limits import DELIVERIES
from vivavoce.server.limit import Limit, from_setting
from vivavoce.server.outbound import Room
from vivavoce.server.websocket import (
    frame_intake,
    handshake_policy,
    keepalive,
    partial_messages,
    protocol,
    refusal_log,
)
from vivavoce.session import arrival, life, live, resume, runner, sessions

_ROOM, _PATIENCE, _TUNING = Room(), Patience(), sqlite.Tuning()


LIMITS: tuple[Limit, ...] = (
    Limit("connections", "head of a request or handshake", http_line.HEAD_SECONDS, "s", "line cut"),
    Limit("connections", "idle time between requests", serving.KEEP_ALIVE_SECONDS, "s", "closed"),
    Limit(
        "connections",
        "handshake from its first byte to its answer",
        protocol.HANDSHAKE_SECONDS,
        "s",
        "408 or 503, closed",
    ),
    Limit(
        "connections",
        "bytes behind a handshake that is not answered yet",
        frame_intake.EARLY_BYTES,
        "bytes",
        "reading pauses until it is",
    ),
    Limit(
        "connections",
        "time to read the refusal of a handshake",
        protocol.REFUSAL_SECONDS,
        "s",
        "connection aborted",
    ),
    Limit(
        "connections",
        "silence of a client whose message was refused while it arrived",
        protocol.QUIET_SECONDS,
        "s",
        "closed",
    ),
    Limit(
        "connections",
        "time between log lines about refused handshakes",
        refusal_log.REFUSAL_LOG_SECONDS,
        "s",
        "counted in the next line",
    ),
    Limit(
        "connections",
        "handshakes at once",
        handshake_policy.BURST,
        "handshakes",
        "the next are held",
    ),
    Limit(
        "connections",
        "handshakes in the long run",
        handshake_policy.RATE,
        "per s",
        "the next are held; resuming clients are admitted three times as often as new ones",
    ),
    Limit(
        "connections",
        "handshakes of one token at once",
        handshake_policy.TOKEN_BURST,
        "handshakes",
        "the next are held",
    ),
    Limit(
        "connections",
        "handshakes of one token in the long run",
        handshake_policy.TOKEN_RATE,
        "per s",
        "the next one is held; one that follows it takes its place, and it gets 503",
    ),
    Limit(
        "connections",
        "time a handshake is held",
        handshake_policy.HELD_SECONDS,
        "s",
        "503 with `Retry-After`",
    ),
    Limit(
        "connections",
        "handshakes held, of resuming and of new clients each",
        handshake_policy.MOST_HELD,
        "handshakes",
        "503 with `Retry-After`",
    ),
    Limit(
        "connections",
        "connections not yet accepted",
        serving.BACKLOG,
        "connections",
        "refused by the system",
    ),
    Limit(
        "connections",
        "message from a client, all its fragments together",
        serving.MAX_FRAME_BYTES,
        "bytes",
        "close 1009",
    ),
    Limit(
        "connections",
        "incomplete messages of all clients together",
        partial_messages.MAX_PARTIAL_BYTES,
        "bytes",
        "close 1013 for the one that arrives slowest",
    ),
    Limit(
        "connections",
        "least progress of an incomplete message",
        keepalive.PROGRESS_BYTES,
        "bytes per minute",
        "close 1013",
    ),
    Limit(
        "connections",
        "text frame to a client",
        wire.MAX_FRAME_BYTES,
        "bytes",
        "[shortened](message-size.md)",
    ),
    Limit(
        "connections",
        "frames from a client, of every kind",
        frame_intake.FRAMES_PER_SECOND,
        "per s",
        "reading pauses",
    ),
    Limit(
        "connections",
        "frames from a client at once, of every kind",
        frame_intake.FRAMES_AT_ONCE,
        "frames",
        "reading pauses",
    ),
    Limit(
        "connections",
        "chunks read and not durable",
        gateway.MOST_UNANSWERED,
        "chunks",
        "not read until the journal catches up",
    ),
    Limit("connections", "the same", gateway.MOST_UNANSWERED_BYTES, "bytes", "as above"),
    Limit(
        "connections",
        "unreadable messages in a row",
        gateway.MOST_UNREADABLE,
        "messages",
        "close 4400",
    ),
    Limit(
        "connections",
        "text waiting for a reader, from where partials are left out and acknowledgements merged",
        _ROOM.crowded,
        "characters",
        "metrics `partials_skipped`, `acks_merged`",
    ),
    Limit(
        "connections",
        "text waiting for a reader",
        _ROOM.size,
        "characters",
        "the journal is not read for it",
    ),
    Limit(
        "connections",
        "messages waiting for a reader",
        _ROOM.messages,
        "messages",
        "the journal is not read for it",
    ),
    Limit(
        "connections",
        "time in which such a reader must take something",
        _ROOM.patience,
        "s",
        "close 1013",
    ),
    Limit("connections", "time between pings", keepalive.PING_SECONDS, "s", "a ping is sent"),
    Limit(
        "connections",
        "silence after a ping",
        keepalive.PONG_SECONDS,
        "s",
        "connection aborted, the session waits",
    ),
    Limit(
        "connections",
        "time to answer a ping while bytes arrive",
        keepalive.UNANSWERED_SECONDS,
        "s",
        "connection aborted, the session waits",
    ),
    Limit(
        "connections",
        "time to answer a close and read what is left",
        protocol.CLOSE_SECONDS,
        "s",
        "line cut; what was not confirmed is told again",
    ),
    from_setting(
        "sessions", "max_load", "of 1", "workers' time that finals may take", "429 for new sessions"
    ),
    from_setting("sessions", "max_sessions", "sessions", "live sessions of a key", "429"),
    from_setting(
        "sessions", "max_duration", "s", "audio in a session", "`error` message, the recording ends"
    ),
    Limit(
        "sessions",
        "warning before it",
        live.WARNING_SECONDS,
        "s",
        "`error` message `duration_limit`",
    ),
    from_setting(
        "sessions",
        "resume_grace",
        "s",
        "wait for a client that is gone",
        "the recording ends; later 403",
    ),
    from_setting(
        "sessions", "farewell_grace", "s", "the same after close 1001", "the recording ends"
    ),
    from_setting(
        "sessions",
        "idle_limit",
        "s",
        "time without audio on an open socket",
        "`error` message, the recording ends",
    ),
    from_setting(
        "sessions",
        "connect_limit",
        "s",
        "wait for the first connection",
        "the session fails with 408",
    ),
    Limit(
        "sessions",
        "time between looks at these",
        sessions.HOUSEKEEPING_SECONDS,
        "s",
        "they are kept to within it",
    ),
    Limit(
        "sessions",
        "quiet that ends the search for the place of audio sent again",
        arrival.QUIET_SECONDS,
        "s",
        "the likeliest place is taken",
    ),
    Limit(
        "sessions",
        "longest such search",
        arrival.PATIENCE_SECONDS,
        "s",
        "as above, counted as ambiguous",
    ),
    Limit(
        "sessions",
        "places compared in it at a time",
        resume.MOST_PLACES,
        "places",
        "the oldest is forgotten",
    ),
    Limit(
        "sessions",
        "stored audio compared in it, newest first",
        resume.MOST_RECENT,
        "bytes",
        "not looked for further back",
    ),
    Limit(
        "sessions",
        "ends of acknowledgements remembered for it",
        live.MOST_BOUNDARIES,
        "acks",
        "the oldest is forgotten",
    ),
    Limit(
        "sessions",
        "utterances without a final",
        runner.MOST_WAITING,
        "utterances",
        "the backlog stays in the journal",
    ),
    Limit(
        "sessions",
        "crashes of a session's run",
        life.CRASHES_ALLOWED,
        "crashes",
        "the session fails; its recording is kept",
    ),
    Limit(
        "sessions",
        "time until storage that refused is tried again",
        life.STORAGE_RETRY_SECONDS,
        "s",
        "for ever, as nothing is lost",
    ),
    Limit("sessions", "longest such wait", life.MOST_RETRY_SECONDS, "s", "the waits grow up to it"),
    Limit("requests", "body of POST /v2/live", routes.MAX_INIT_BYTES, "bytes", "413"),
    Limit("requests", "body of PATCH", routes.MAX_PATCH_BYTES, "bytes", "413"),
    Limit("requests", "body of POST /vivavoce/webhooks", webhooks.MAX_BODY_BYTES, "bytes", "413"),
    Limit("requests", "webhook endpoints of a key", webhooks.MOST_ENDPOINTS, "endpoints", "422"),
    *DELIVERIES,
    Limit("requests", "time for a body to arrive", asking.BODY_SECONDS, "s", "408"),
    Limit("requests", "`custom_metadata`", request.MAX_METADATA_CHARACTERS, "characters", "400"),
    Limit("requests", "levels within metadata", request.MAX_METADATA_LEVELS, "levels", "400"),
    Limit(
        "requests",
        "faults listed in an answer",
        validation.MAX_FAULTS,
        "faults",
        "the rest is left out",
    ),
    Limit("requests", "sessions on a page of the list", listing.MAX_LIMIT, "sessions", "400"),
    Limit("requests", "WAV header", wav_header.MAX_HEADER_BYTES, "bytes", "`acknowledged: false`"),
    Limit(
        "requests",
        "chunks in a WAV header",
        wav_header.MAX_HEADER_CHUNKS,
        "chunks",
        "`acknowledged: false`",
    ),
    Limit(
        "requests",
        "`Retry-After` where the machine is full, at least",
        admission.RETRY_SECONDS,
        "s",
        "sent with 429",
    ),
    Limit(
        "requests", "`Retry-After` where storage fails", answers.RETRY_SECONDS, "s", "sent with 503"
    ),
    Limit(
        "journal",
        "audio on its way to the disk",
        _TUNING.waiting_bytes,
        "bytes",
        "appends wait; sockets are not read",
    ),
    Limit("journal", "wait for company of a commit", _TUNING.gather, "s", "committed"),
    Limit("journal", "one commit", writer.GROUP_BYTES, "bytes", "the rest goes into the next"),
    Limit("journal", "log until it is merged", writer.LOG_BYTES, "bytes", "merged between commits"),
    Limit("journal", "wait for a locked file", _TUNING.busy_seconds, "s", "audio is refused, 503"),
    Limit(
        "journal",
        "time between tries while it refuses",
        _TUNING.probe_interval,
        "s",
        "goes on by itself",
    ),
    Limit(
        "journal",
        "kept in memory for one that follows a session",
        tails.BLOCK_BYTES,
        "bytes",
        "read from the disk instead",
    ),
    Limit("journal", "wait for the locked records", database.BUSY_SECONDS, "s", "503"),
    Limit(
        "recognition",
        "partials waiting for a worker",
        recogniser.MOST_WAITING_PARTIALS,
        "jobs",
        "the oldest is dropped, metric `partials_shed`",
    ),
    Limit("recognition", "jobs of one batch", desk.MAX_BATCH, "jobs", "the next batch"),
    Limit(
        "recognition",
        "speech of one job",
        recogniser.MAX_REQUEST_BYTES,
        "bytes",
        "never reached: utterances are shorter",
    ),
    Limit(
        "recognition",
        "message between server and worker",
        frames.MAX_FRAME_BYTES,
        "bytes",
        "the worker is replaced",
    ),
    Limit("recognition", "one answer", worker.MAX_ANSWER_BYTES, "bytes", "the job has failed"),
    Limit("recognition", "time to load an engine", _PATIENCE.load, "s", "the worker is replaced"),
    Limit(
        "recognition",
        "time to answer",
        _PATIENCE.decode,
        "s",
        "the worker is replaced, the job done again",
    ),
    Limit(
        "recognition",
        "more time for each second of speech",
        _PATIENCE.per_audio_second,
        "s",
        "as above",
    ),
    Limit("recognition", "time to leave", _PATIENCE.leave, "s", "killed"),
    Limit(
        "recognition",
        "longest wait before a worker is replaced again",
        Backoff.LONGEST,
        "s",
        "doubles up to it from the third loss on",
    ),
    Limit(
        "shutdown",
        "time for deliveries under way to end",
        dispatcher.CLOSE_SECONDS,
        "s",
        "cut; sent again at the next start",
    ),
    Limit(
        "shutdown",
        "time for connections to end",
        serving.DRAIN_SECONDS,
        "s",
        "their tasks are cancelled; nothing acknowledged is lost",
    ),
)
