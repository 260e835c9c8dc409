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
        self.connections = gauge("vivavoce_connections", "Sockets that are open.")
        self.open_connections = gauge(
            "vivavoce_open_connections", "TCP connections that are open, WebSockets included."
        )
        self.connections_refused = counter(
            "vivavoce_connections_refused_total",
            "Connections refused because too many are open (full), or too many from their address "
            "(address), or closed without a request to make room (gave_way).",
            ["reason"],
        )
        self.requests_refused = counter(
            "vivavoce_requests_refused_total",
            "Requests refused before a route saw them, and clients cut because they took no data.",
            ["reason"],
        )
        self._unanswered = 0
        gauge(
            "vivavoce_acks_outstanding", "Chunks that were read and are not durable yet."
        ).set_function(lambda: self._unanswered)
        self.slow_readers = counter(
            "vivavoce_slow_readers_dropped_total",
            "Sockets closed because they were read too slowly.",
        )
        self.partials_skipped = counter(
            "vivavoce_partials_skipped_total", "Partials that a slow reader was not sent."
        )
        self.acks_merged = counter(
            "vivavoce_acks_merged_total", "Acknowledgements that went as one to a slow reader."
        )
        self.handshakes = counter(
            "vivavoce_handshakes_total", "Handshakes with a valid token.", ["outcome"]
        )
        self.unknown_tokens = counter(
            "vivavoce_unknown_tokens_total",
            "Handshakes refused because no session has their token.",
        )
        self.failed_keys = counter(
            "vivavoce_failed_keys_total", "Requests refused because their API key is unknown."
        )
        self.handshake_wait = histogram(
            "vivavoce_handshake_wait_seconds",
            "How long handshakes were held.",
            buckets=WAIT_BUCKETS,
        )
        self.commit_time = histogram(
            "vivavoce_journal_commit_seconds",
            "How long commits took, their sync included.",
            buckets=COMMIT_BUCKETS,
        )
        self.time_to_final = histogram(
            "vivavoce_time_to_final_seconds",
            "From the decision that an utterance has ended to its durable final.",
            buckets=ANSWER_BUCKETS,
        )
        self.loop_late = histogram(
            "vivavoce_loop_late_seconds",
            "How late the event loop answered, asked ten times a second.",
            buckets=LOOP_BUCKETS,
        )
        self.loop_busy = histogram(
            "vivavoce_loop_busy_seconds",
            "Processor time that the event loop used before it answered.",
            buckets=LOOP_BUCKETS,
        )
        self.collection_time = histogram(
            "vivavoce_garbage_collection_seconds",
            "How long collections of garbage took; everything stands still meanwhile.",
            buckets=LOOP_BUCKETS,
        )
        self.background_failures = counter(
            "vivavoce_background_failures_total",
            "Failures of background work; all but sessions are started again.",
            ["task"],
        )
        self.unreadable_items = counter(
            "vivavoce_unreadable_items_total",
            "Stored items that could not be read and are kept for repair.",
            ["kind"],
        )
        self.foreseen = counter(
            "vivavoce_foreseen_finals_total",
            "Finals in a pause: asked for, confirmed with the answer ready or under way, dropped "
            "without it, or wasted.",
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
        "Sessions that are open: connected, or waiting for their client to come back.",
        lambda s: s.sessions.recording,
    ),
    Reading(
        "gauge",
        "vivavoce_unopened_sessions",
        "Sessions that no client has connected to.",
        lambda s: s.sessions.unopened,
    ),
    Reading(
        "gauge",
        "vivavoce_sessions",
        "Sessions in the journal: live, ending, or waiting for their client.",
        lambda s: s.sessions.known,
    ),
    Reading(
        "counter",
        "vivavoce_audio_seconds_total",
        "Audio stored, repeats not counted.",
        lambda s: s.sessions.resumes.audio_seconds,
    ),
    Reading(
        "counter",
        "vivavoce_resumes_total",
        "Connections that sent audio to a session that had some.",
        lambda s: s.sessions.resumes.resumes,
    ),
    Reading(
        "counter",
        "vivavoce_resume_ambiguous_total",
        "Resumes whose audio did not tell where it belongs.",
        lambda s: s.sessions.resumes.ambiguous,
    ),
    Reading(
        "counter",
        "vivavoce_resume_differing_total",
        "Resumes that sent audio again with other bytes.",
        lambda s: s.sessions.resumes.differing,
    ),
    Reading(
        "counter",
        "vivavoce_resent_bytes_total",
        "Audio that came again and was stored already.",
        lambda s: s.sessions.resumes.resent_bytes,
    ),
    Reading(
        "gauge",
        "vivavoce_queue_jobs",
        "Utterances that wait for a worker.",
        lambda s: s.recogniser.stats().waiting,
    ),
    Reading(
        "gauge",
        "vivavoce_queue_age_seconds",
        "How long the longest of them has waited.",
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
        "Partials not asked for, as they would have come too soon for the load.",
        lambda s: s.recogniser.stats().spared,
    ),
    Reading(
        "gauge",
        "vivavoce_refresh_interval_seconds",
        "Time between two partials of a channel; 0 while there is only the first.",
        lambda s: s.recogniser.stats().refresh_interval,
    ),
    Reading(
        "gauge",
        "vivavoce_load",
        "Share of the workers' time that finals take, with what new sessions are expected to add.",
        lambda s: s.reception.load,
    ),
    Reading(
        "counter",
        "vivavoce_admission_refused_total",
        "Sessions refused with 429 because the machine is full.",
        lambda s: s.reception.refused,
    ),
    Reading(
        "counter",
        "vivavoce_decode_cpu_seconds_total",
        "CPU time spent on decoding.",
        lambda s: s.recogniser.stats().cpu_seconds,
    ),
    Reading(
        "counter",
        "vivavoce_decoded_audio_seconds_total",
        "Audio decoded, context included.",
        lambda s: s.recogniser.stats().audio_seconds,
    ),
    Reading(
        "counter",
        "vivavoce_poisoned_total",
        "Utterances given up because they kill workers.",
        lambda s: s.recogniser.stats().poisoned,
    ),
    Reading(
        "gauge", "vivavoce_workers_ready", "Workers that are warm.", lambda s: _workers(s, "ready")
    ),
    Reading(
        "counter",
        "vivavoce_worker_restarts_total",
        "Workers lost and replaced.",
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
        "Space that is left on the disk of the data folder.",
        lambda s: s.disk.free,
    ),
    Reading(
        "counter",
        "vivavoce_deliveries_total",
        "Messages that arrived at a callback or a webhook.",
        lambda s: s.deliveries.tally.delivered,
    ),
    Reading(
        "counter",
        "vivavoce_delivery_failures_total",
        "Tries to deliver that failed.",
        lambda s: s.deliveries.tally.failed,
    ),
    Reading(
        "gauge",
        "vivavoce_deliveries_waiting",
        "Messages for callbacks and webhooks that have not arrived.",
        lambda s: s.deliveries.outstanding.waiting,
    ),
    Reading(
        "gauge",
        "vivavoce_deliveries_oldest_seconds",
        "How long the oldest of them has waited.",
        lambda s: s.deliveries.oldest_seconds,
    ),
    Reading(
        "gauge",
        "vivavoce_dead_letters",
        "Messages that were given up and are kept.",
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
