"""Refusals are counted each and logged now and then; their answers are whole."""

import json

from structlog.testing import capture_logs

from vivavoce.protocol.errors import ApiError
from vivavoce.server.http.refusals import LOG_SECONDS, RefusalLog, refusal_response


def test_each_is_counted_and_a_line_comes_every_ten_seconds_for_each_reason() -> None:
    counted: list[str] = []
    now = 0.0
    log = RefusalLog("requests_refused", counted.append, lambda: now)
    with capture_logs() as lines:
        for _ in range(1000):
            log("malformed")
        log("too_slow")
        now = LOG_SECONDS
        log("malformed")
    assert len(counted) == 1002
    assert [(line["reason"], line["count"]) for line in lines] == [
        ("malformed", 1),
        ("too_slow", 1),
        ("malformed", 1000),
    ]


def test_the_answer_is_an_error_that_clients_know() -> None:
    answer = refusal_response(ApiError(503, "too many", retry_after=5), [(b"date", b"now")])
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 503 Service Unavailable\r\ndate: now\r\n")
    for line in (b"connection: close", b"retry-after: 5", b"content-length: %d" % len(body)):
        assert line in head.split(b"\r\n")
    assert json.loads(body)["statusCode"] == 503
