"""The metrics of one application, in a private registry.

To add a metric, add it to ``Metrics`` if it is counted as events occur, or to ``READINGS`` if
another component counts it already and it is read at each scrape. Labels have few values, never an
id, a key or anything that a client chooses.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from vivavoce.delivery.house import Deliveries
from vivavoce.journal.sqlite import SqliteJournal
from vivavoce.recognition.recogniser import Recogniser
from vivavoce.server.disk import DiskReserve
from vivavoce.server.reception import Reception
from vivavoce.session.ports import Foresight
from vivavoce.session.sessions import Sessions

COMMIT_BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
WAIT_BUCKETS = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 4, 5)
LOOP_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1)
ANSWER_BUCKETS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30, 60)


class Metrics:
    """The metrics that are updated as events occur."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry(auto_describe=False)
        counter = partial(Counter, registry=self.registry)
        gauge = partial(Gauge, registry=self.registry)
        histogram = partial(Histogram, registry=self.registry)
        self.connections = gauge("vivavoce_connections", "Open WebSocket connections.")
        self.open_connections = gauge(
            "vivavoce_open_connections", "Open TCP connections, WebSockets included."
        )
        self.connections_refused = counter(
            "vivavoce_connections_refused_total",
            "Connections refused because the server is full (full) or their address has too "
            "many (address), and idle connections closed to make room (gave_way).",
            ["reason"],
        )
        self.requests_refused = counter(
            "vivavoce_requests_refused_total",
            "Requests refused before routing, and connections aborted because the client read "
            "nothing.",
            ["reason"],
        )
        self._unanswered = 0
        gauge("vivavoce_acks_outstanding", "Chunks received and not yet durable.").set_function(
            lambda: self._unanswered
        )
        self.slow_readers = counter(
            "vivavoce_slow_readers_dropped_total",
            "Connections closed because the client read too slowly.",
        )
        self.partials_skipped = counter(
            "vivavoce_partials_skipped_total", "Partials dropped for slow clients."
        )
        self.acks_merged = counter("vivavoce_acks_merged_total", "Acks coalesced for slow clients.")
        self.handshakes = counter(
            "vivavoce_handshakes_total", "Handshakes with a valid token.", ["outcome"]
        )
        self.unknown_tokens = counter(
            "vivavoce_unknown_tokens_total",
            "Handshakes refused because their token belongs to no session.",
        )
        self.failed_keys = counter(
            "vivavoce_failed_keys_total", "Requests refused because of an unknown API key."
        )
        self.handshake_wait = histogram(
            "vivavoce_handshake_wait_seconds",
            "Time that handshakes waited in the gate.",
            buckets=WAIT_BUCKETS,
        )
        self.commit_time = histogram(
            "vivavoce_journal_commit_seconds",
            "Duration of journal commits, sync included.",
            buckets=COMMIT_BUCKETS,
        )
        self.time_to_final = histogram(
            "vivavoce_time_to_final_seconds",
            "Time from the end of an utterance to its durable final.",
            buckets=ANSWER_BUCKETS,
        )
        self.loop_late = histogram(
            "vivavoce_loop_late_seconds",
            "Delay of the event loop, sampled ten times a second.",
            buckets=LOOP_BUCKETS,
        )
        self.loop_busy = histogram(
            "vivavoce_loop_busy_seconds",
            "CPU time that the event loop used during such a delay.",
            buckets=LOOP_BUCKETS,
        )
        self.collection_time = histogram(
            "vivavoce_garbage_collection_seconds",
            "Duration of garbage collections (stop-the-world).",
            buckets=LOOP_BUCKETS,
        )
        self.background_failures = counter(
            "vivavoce_background_failures_total",
            "Failures of background tasks; all tasks except sessions restart.",
            ["task"],
        )
        self.unreadable_items = counter(
            "vivavoce_unreadable_items_total",
            "Unreadable stored items, kept for repair.",
            ["kind"],
        )
        self.foreseen = counter(
            "vivavoce_foreseen_finals_total",
            "Speculative finals: requested, confirmed with the result ready or pending, dropped"
            " without a result, or wasted.",
            ["event"],
        )

    def count_unanswered(self, more: int) -> None:
        """Add to the chunks read but not durable; call on the event loop only: it has no lock."""
        self._unanswered += more

    def count_background_failure(self, task: str) -> None:
        """Count a failure of a background task."""
        self.background_failures.labels(task).inc()

    def count_unreadable(self, kind: str) -> None:
        """Count a stored item that cannot be read."""
        self.unreadable_items.labels(kind).inc()

    def count_foreseen(self, event: Foresight) -> None:
        """Count an event of a speculative final."""
        self.foreseen.labels(event).inc()


@dataclass(frozen=True, slots=True)
class Sources:
    """The components that readings are taken from."""

    sessions: Sessions
    recogniser: Recogniser
    journal: SqliteJournal
    deliveries: Deliveries
    reception: Reception
    disk: DiskReserve


@dataclass(frozen=True, slots=True)
class Reading:
    """A metric that is read at each scrape."""

    kind: Literal["counter", "gauge"]
    name: str
    help: str
    read: Callable[[Sources], float]

    def metric(self, sources: Sources) -> Metric:
        """Return its current value as a metric family."""
        family = CounterMetricFamily if self.kind == "counter" else GaugeMetricFamily
        return family(self.name, self.help, value=self.read(sources))


def _workers(sources: Sources, field: str) -> int:
    return sum(getattr(pool, field) for pool in sources.recogniser.health().values())


READINGS: tuple[Reading, ...] = (
    Reading(
        "gauge",
        "vivavoce_live_sessions",
        "Open sessions: connected, or waiting for their client to reconnect.",
        lambda s: s.sessions.recording,
    ),
    Reading(
        "gauge",
        "vivavoce_unopened_sessions",
        "Sessions without a first connection.",
        lambda s: s.sessions.unopened,
    ),
    Reading(
        "gauge",
        "vivavoce_sessions",
        "Sessions in the journal: connected, ending, or waiting for their client.",
        lambda s: s.sessions.known,
    ),
    Reading(
        "counter",
        "vivavoce_audio_seconds_total",
        "Seconds of audio stored, resent audio not counted.",
        lambda s: s.sessions.resumes.audio_seconds,
    ),
    Reading(
        "counter",
        "vivavoce_resumes_total",
        "Reconnects that continued the audio of a session.",
        lambda s: s.sessions.resumes.resumes,
    ),
    Reading(
        "counter",
        "vivavoce_resume_ambiguous_total",
        "Resumes whose position the audio did not determine.",
        lambda s: s.sessions.resumes.ambiguous,
    ),
    Reading(
        "counter",
        "vivavoce_resume_differing_total",
        "Resumes that resent audio with different bytes.",
        lambda s: s.sessions.resumes.differing,
    ),
    Reading(
        "counter",
        "vivavoce_resent_bytes_total",
        "Bytes of resent audio that were already stored.",
        lambda s: s.sessions.resumes.resent_bytes,
    ),
    Reading(
        "gauge",
        "vivavoce_queue_jobs",
        "Utterances waiting for a worker.",
        lambda s: s.recogniser.stats().waiting,
    ),
    Reading(
        "gauge",
        "vivavoce_queue_age_seconds",
        "Waiting time of the oldest of these utterances.",
        lambda s: s.recogniser.stats().queue_age,
    ),
    Reading(
        "counter",
        "vivavoce_partials_shed_total",
        "Partials dropped under load.",
        lambda s: s.recogniser.stats().shed,
    ),
    Reading(
        "counter",
        "vivavoce_partials_spared_total",
        "Partials not requested because of the load.",
        lambda s: s.recogniser.stats().spared,
    ),
    Reading(
        "gauge",
        "vivavoce_refresh_interval_seconds",
        "Interval between partials of a channel; 0 if there has been only one.",
        lambda s: s.recogniser.stats().refresh_interval,
    ),
    Reading(
        "gauge",
        "vivavoce_load",
        "Share of worker time that finals need, including the expected load of new sessions.",
        lambda s: s.reception.load,
    ),
    Reading(
        "counter",
        "vivavoce_admission_refused_total",
        "Sessions refused with 429 because of the load.",
        lambda s: s.reception.refused,
    ),
    Reading(
        "counter",
        "vivavoce_decode_cpu_seconds_total",
        "CPU time of decoding.",
        lambda s: s.recogniser.stats().cpu_seconds,
    ),
    Reading(
        "counter",
        "vivavoce_decoded_audio_seconds_total",
        "Seconds of audio decoded, context included.",
        lambda s: s.recogniser.stats().audio_seconds,
    ),
    Reading(
        "counter",
        "vivavoce_poisoned_total",
        "Utterances abandoned because they crashed workers.",
        lambda s: s.recogniser.stats().poisoned,
    ),
    Reading(
        "gauge",
        "vivavoce_workers_ready",
        "Workers that are ready for jobs.",
        lambda s: _workers(s, "ready"),
    ),
    Reading(
        "counter",
        "vivavoce_worker_restarts_total",
        "Worker restarts after a crash.",
        lambda s: _workers(s, "lost"),
    ),
    Reading(
        "gauge",
        "vivavoce_journal_writable",
        "1 while audio can be stored.",
        lambda s: s.journal.failure is None,
    ),
    Reading(
        "gauge",
        "vivavoce_disk_free_bytes",
        "Free space on the disk of the data folder.",
        lambda s: s.disk.free,
    ),
    Reading(
        "counter",
        "vivavoce_deliveries_total",
        "Messages delivered to callbacks and webhooks.",
        lambda s: s.deliveries.tally.delivered,
    ),
    Reading(
        "counter",
        "vivavoce_delivery_failures_total",
        "Failed delivery attempts.",
        lambda s: s.deliveries.tally.failed,
    ),
    Reading(
        "gauge",
        "vivavoce_deliveries_waiting",
        "Messages waiting for delivery to callbacks and webhooks.",
        lambda s: s.deliveries.outstanding.waiting,
    ),
    Reading(
        "gauge",
        "vivavoce_deliveries_oldest_seconds",
        "Waiting time of the oldest of these messages.",
        lambda s: s.deliveries.oldest_seconds,
    ),
    Reading(
        "gauge",
        "vivavoce_dead_letters",
        "Dead letters: messages that were not delivered and are kept.",
        lambda s: s.deliveries.outstanding.dead,
    ),
)


class Readings(Collector):
    """A Prometheus collector of the table of readings."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def collect(self) -> Iterable[Metric]:
        """Return the current value of every reading."""
        return [reading.metric(self._sources) for reading in READINGS]
