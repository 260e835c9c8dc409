import base64
from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
import pytest
import standardwebhooks

from vivavoce.client import (
    ProtocolError,
    SignatureError,
    UnknownMessage,
    verify,
    verify_callback,
    verify_webhook,
)
from vivavoce.delivery.signing import sign
from vivavoce.protocol.messages import EndSession
from vivavoce.protocol.signatures import SecretError, signature, signing_key

OLD = "whsec_" + base64.b64encode(bytes(range(32))).decode()
NEW = "whsec_" + base64.b64encode(bytes(range(100, 132))).decode()
NOW = 1_700_000_000
END = {"type": "end_session", "session_id": "s1", "created_at": "t"}
BODY = msgspec.json.encode({"id": "s1", "event": "live.end_session", "payload": END})


def signed(body: bytes = BODY, *secrets: str) -> dict[str, str]:
    return dict(sign(secrets or (OLD,), "msg_1", NOW, body))


def test_the_example_of_the_standard_has_the_signature_of_the_standard() -> None:
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105  published for tests
    body = b'{"test": 2432232314}'
    message_id, moment = "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330"
    expected = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert signature(signing_key(secret), message_id, moment, body) == expected


def test_a_signed_callback_is_read() -> None:
    callback = verify_callback(BODY, signed(), OLD, now=NOW)
    assert (callback.message_id, callback.session_id) == ("msg_1", "s1")
    assert callback.event == "live.end_session"
    assert callback.payload == EndSession(session_id="s1", created_at="t")
    assert callback.link is None


def test_a_signed_webhook_is_read() -> None:
    body = b'{"event":"live.end_session","payload":{"id":"s1"}}'
    webhook = verify_webhook(body, signed(body), OLD, now=NOW)
    assert (webhook.message_id, webhook.session_id) == ("msg_1", "s1")


def test_a_message_of_a_type_that_came_later_is_read_too() -> None:
    body = b'{"id":"s1","event":"live.new","payload":{"type":"new","x":1},"link":"http://l"}'
    callback = verify_callback(body, signed(body), OLD, now=NOW)
    assert callback.payload == UnknownMessage("new", {"type": "new", "x": 1})
    assert callback.link == "http://l"


@pytest.mark.parametrize(
    ("sending", "receiving"),
    [((OLD,), [OLD, NEW]), ((NEW, OLD), OLD), ((NEW, OLD), NEW), ((NEW,), (OLD, NEW))],
)
def test_at_no_step_of_replacing_a_secret_is_a_message_lost(
    sending: Sequence[str], receiving: str | Sequence[str]
) -> None:
    assert verify(BODY, signed(BODY, *sending), receiving, now=NOW) == "msg_1"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"webhook-id": ""},
        {"webhook-id": "msg_2"},
        {"webhook-timestamp": str(NOW + 1)},
        {"webhook-timestamp": f"{NOW}.0"},
        {"webhook-timestamp": f" {NOW}"},
        {"webhook-timestamp": "now"},
        {"webhook-timestamp": "-1"},
        {"webhook-timestamp": "٣"},
        {"webhook-timestamp": "9" * 5000},
        {"webhook-signature": ""},
        {"webhook-signature": "v1,"},
        {"webhook-signature": "v1"},
        {"webhook-signature": "v1,%%% ,,, v1,é \x00"},
        {"webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="},
        {"webhook-signature": "x " * 100_000},
        {"webhook-id": "\udcff"},
    ],
    ids=lambda headers: ascii(headers)[:60],
)
def test_a_message_with_wrong_headers_is_not_to_be_trusted(headers: dict[str, str]) -> None:
    with pytest.raises(SignatureError):
        verify(BODY, (signed() | headers) if headers else {}, OLD, now=NOW)


def test_a_signature_of_another_version_or_body_or_secret_proves_nothing() -> None:
    right = signed()["webhook-signature"]
    for headers, body in [
        (signed() | {"webhook-signature": right.replace("v1,", "v1a,")}, BODY),
        (signed() | {"webhook-signature": right.lower()}, BODY),
        (signed(), BODY + b" "),
        (signed(BODY, NEW), BODY),
    ]:
        with pytest.raises(SignatureError, match="no signature"):
            verify(body, headers, OLD, now=NOW)


@pytest.mark.parametrize(("skew", "fits"), [(300, True), (-300, True), (301, False), (-301, False)])
def test_clocks_may_differ_by_five_minutes(skew: int, *, fits: bool) -> None:
    if fits:
        assert verify(BODY, signed(), OLD, now=NOW + skew)
        return
    with pytest.raises(SignatureError, match="too old"):
        verify(BODY, signed(), OLD, now=NOW + skew)


def test_tolerance_can_be_chosen() -> None:
    assert verify(BODY, signed(), OLD, now=NOW + 3600, tolerance=3600)


def test_headers_are_found_in_any_case() -> None:
    headers = {name.title(): value for name, value in signed().items()}
    assert verify(BODY, headers, OLD, now=NOW) == "msg_1"


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"id":1}', b"\xff", b'{"id":"a","event":"b"}']
)
def test_a_body_of_the_server_that_is_no_callback_is_an_error_of_protocol(body: bytes) -> None:
    with pytest.raises(ProtocolError):
        verify_callback(body, signed(body), OLD, now=NOW)
    with pytest.raises(ProtocolError):
        verify_webhook(body, signed(body), OLD, now=NOW)


@pytest.mark.parametrize("secret", ["", "whsec_", "secret!", "whsec_AAAA", "whsec_" + "A" * 100])
def test_what_is_no_secret_is_refused_and_not_repeated(secret: str) -> None:
    with pytest.raises(SecretError) as refused:
        verify(BODY, signed(), secret, now=NOW)
    assert not secret or secret not in str(refused.value)


def test_a_secret_may_come_without_prefix_or_padding() -> None:
    assert signing_key(OLD.removeprefix("whsec_").rstrip("=")) == bytes(range(32))


@pytest.mark.parametrize("body", [BODY, '{"text":"ünï ☃"}'.encode(), b"[]"])
def test_the_published_library_makes_the_same_signature_and_accepts_ours(body: bytes) -> None:
    theirs = standardwebhooks.Webhook(OLD)
    moment = datetime.now(UTC)
    made = theirs.sign("msg_1", moment, body.decode())
    headers = dict(sign((NEW, OLD), "msg_1", int(moment.timestamp()), body))
    assert made in headers["webhook-signature"].split(" ")
    theirs.verify(body, headers)
    assert verify(body, headers | {"webhook-signature": made}, OLD) == "msg_1"
