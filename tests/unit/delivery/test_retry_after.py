import pytest

from vivavoce.delivery.retry_after import MAX_SECONDS, retry_after

NOON = 1_700_000_000.0
"""Tue, 14 Nov 2023 22:13:20 GMT."""


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        (" 7 ", 7),
        ("999999999999999999", MAX_SECONDS),
        ("Tue, 14 Nov 2023 22:14:20 GMT", 60),
        ("Tuesday, 14-Nov-23 22:14:20 GMT", 60),
        ("Tue Nov 14 22:14:20 2023", 60),
        ("Tue, 14 Nov 2023 22:14:20 -0000", 60),
        ("Tue, 14 Nov 2023 23:14:20 +0100", 60),
        ("Tue, 14 Nov 2023 22:13:00 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", MAX_SECONDS),
    ],
)
def test_seconds_and_dates_are_read_and_bounded(text: str, seconds: float) -> None:
    assert retry_after(text, NOON) == seconds


@pytest.mark.parametrize(
    "text",
    ["", "-1", "1.5", "soon", "1e9", "٣", "Tue, 99 Nov 2023 22:14:20 GMT", "9" * 400, "1 " * 99],
)
def test_anything_else_says_nothing(text: str) -> None:
    assert retry_after(text, NOON) is None
