"""What is not signed is not trusted, whatever it looks like; what is signed always is."""

import base64
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vivavoce.client import SignatureError, verify
from vivavoce.delivery.signing import sign

NOW = 1_700_000_000
HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")
secret = st.binary(min_size=32, max_size=32).map(  # HMAC pads shorter ones with zeros
    lambda key: "whsec_" + base64.b64encode(key).decode()
)
header = st.one_of(st.text(max_size=40), st.sampled_from(["v1,", str(NOW), "v1,AAAA v1,=", ","]))


@given(st.lists(secret, min_size=1, max_size=3, unique=True), st.data(), st.binary(max_size=200))
def test_any_of_the_secrets_in_force_proves_a_message(
    secrets: list[str], data: st.DataObject, body: bytes
) -> None:
    known = data.draw(st.sampled_from(secrets))
    assert verify(body, sign(secrets, "m", NOW, body), known, now=NOW) == "m"


@given(secret, st.binary(max_size=50), st.sampled_from(HEADERS), header)
def test_no_other_header_proves_a_message(known: str, body: bytes, name: str, value: str) -> None:
    right = dict(sign([known], "m", NOW, body))
    with suppress(SignatureError):
        verify(body, right | {name: value}, known, now=NOW)
        assert value.split(" ").count(right[name]) == 1


@given(secret, secret, st.binary(max_size=50), st.binary(max_size=50))
def test_a_signature_holds_for_one_body_and_one_secret(
    known: str, other: str, body: bytes, changed: bytes
) -> None:
    headers = sign([known], "m", NOW, body)
    if (other, changed) != (known, body):
        with pytest.raises(SignatureError):
            verify(changed, headers, other, now=NOW)
