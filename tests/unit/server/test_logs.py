"""What leaves as a log line: no secret in any spelling, nothing of a client, bounded."""

import json
import logging
from collections.abc import Iterator
from urllib.parse import quote

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.protocol.messages import UnknownTypeError
from vivavoce.server import logs
from vivavoce.server.log_throttle import LogThrottle
from vivavoce.server.redaction import MAX_CHARACTERS, clean, clean_text
from vivavoce.server.tracebacks import format_exception

MARK = "marked4711secret"


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Logging as it was before, after each test."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    names = [logs.OURS, *logs.CHATTY]
    levels = {name: logging.getLogger(name).level for name in names}
    yield
    root.handlers[:] = before
    root.setLevel(level)
    for name, kept in levels.items():
        logging.getLogger(name).setLevel(kept)
    structlog.reset_defaults()


def each_spelling(char: str) -> list[str]:
    both = (char.lower(), char.upper())
    return [*both, *(f"%{ord(one):02x}" for one in both), *(f"%{ord(one):02X}" for one in both)]


def spellings(name: str) -> st.SearchStrategy[str]:
    """A name with each character in any case, plain or percent-encoded in any case."""
    each = [st.sampled_from(each_spelling(char)) for char in name]
    return st.tuples(*each).map("".join)


@given(spellings("token"), st.sampled_from(["=", "%3D", "%3d", ": ", "': '"]))
def test_a_token_is_redacted_however_its_name_is_written(name: str, equals: str) -> None:
    """``%74oken=`` was logged."""
    text = clean_text(f"/v2/live?position=0&{name}{equals}{MARK}&x=1 refused")
    assert MARK not in text
    assert text.endswith("refused")


@pytest.mark.parametrize(
    "text",
    [
        f"x-gladia-key: {MARK}",
        f"X-GLADIA-KEY={MARK}",
        f"(b'x-gladia-key', b'{MARK}')",
        f"< Authorization: Bearer {MARK}",
        f"Cookie: a=b; session={MARK}; c=d",
        f"{{'authorization': 'Basic {MARK}'}}",
        f"api_key={MARK}",
        f"made vv_{MARK} for you",
        f"signed with whsec_{MARK}=",
    ],
)
def test_keys_cookies_and_credentials_are_redacted(text: str) -> None:
    assert MARK not in clean_text(text)


def test_nested_values_are_looked_at_and_bytes_left_out() -> None:
    value = {
        "headers": [("x-gladia-key", MARK), {"cookie": f"a={MARK}"}],
        "url": {"query": [f"?token={MARK}"]},
        "body": MARK.encode(),
        "error": ValueError(f"token={MARK}"),
        "secret": [MARK],
        "deep": [[[[[[MARK]]]]]],
        "count": 3,
    }
    cleaned = clean(value)
    assert MARK not in json.dumps(cleaned).replace("x-gladia-key", "")
    assert cleaned["count"] == 3


def test_texts_are_shortened() -> None:
    assert len(clean_text("/" + "a" * 100_000)) < MAX_CHARACTERS + 50


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


@pytest.mark.parametrize("name", ["websockets.server", "uvicorn.error", "httpx", "httpcore", "any"])
def test_libraries_print_no_traffic_even_at_debug(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """At ``debug`` transcripts and headers were logged by ``uvicorn.error``."""
    logs.configure("debug")
    library = logging.getLogger(name)
    library.debug("< TEXT '%s'", MARK)
    assert not library.isEnabledFor(logging.DEBUG), "websockets formats frames only then"
    if name != "any":
        library.info("WebSocket /v2/live?%s [accepted]", quote(MARK))
    structlog.get_logger("vivavoce.server.x").debug("ours")
    assert [line["event"] for line in lines(capsys)] == ["ours"]


def test_lines_of_libraries_do_not_quote_a_peer(
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs.configure("info")
    try:
        int(MARK)
    except ValueError:
        logging.getLogger("uvicorn.error").exception("Invalid UTF-8 sequence received from client.")
        logging.getLogger("websockets.server").exception("opening handshake failed")
        logging.getLogger("asyncio").exception("Task exception was never retrieved\n%s", MARK)
        logging.getLogger("uvicorn.error").exception("Exception in ASGI application\n")
    found = lines(capsys)
    assert MARK not in json.dumps(found)
    assert ["exception" in line for line in found] == [False, False, True, True]


def test_a_traceback_shows_where_but_not_what_a_client_sent() -> None:
    def parse(text: str) -> int:
        try:
            return int(text)
        except ValueError as error:
            raise KeyError(text) from error

    with pytest.raises(KeyError) as raised:
        parse(MARK)
    text = format_exception(raised.value)
    assert MARK not in text
    assert text.index("ValueError") < text.index("KeyError")
    assert "in parse" in text
    assert "No space" in format_exception(OSError(28, "No space left on device"))
    assert MARK not in format_exception(UnknownTypeError(MARK))
    group = ExceptionGroup("several", [ValueError(MARK), OSError(5, "Input/output error")])
    assert MARK not in format_exception(group)
    assert "Input/output error" in format_exception(group)


def test_a_flood_of_one_kind_is_bounded_counted_and_hides_no_other() -> None:
    throttle = LogThrottle(rate=2, burst=5, most_kinds=3)
    passed = [throttle.admit("flood", n / 100) for n in range(1000)]
    assert len([one for one in passed if one is not None]) <= 5 + 2 * 10 + 1
    assert throttle.admit("other", 10.0) == 0
    told = sum(one for one in passed if one is not None)
    assert throttle.admit("flood", 20.0) == 1000 - told - len(
        [1 for one in passed if one is not None]
    )
    for n in range(100):
        throttle.admit(f"kind {n}", 20.0)
    assert len(throttle) == 3


def test_suppressed_lines_are_told_with_the_next_one(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info")
    now = 0.0
    [handler] = logging.getLogger().handlers
    handler.filters[0] = logs.Throttle(lambda: now)
    ours = structlog.get_logger("vivavoce.server.x")
    for _ in range(500):
        ours.info("handshake_refused", client="192.0.2.1")
    now = 60.0
    ours.info("handshake_refused", client="192.0.2.1")
    found = lines(capsys)
    assert len(found) == 101
    assert found[-1]["suppressed"] == 400
