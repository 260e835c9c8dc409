from typing import Any

import pytest

from vivavoce.server.settings import Settings
from vivavoce.server.start_cautions import cautions

PUBLIC = {"host": "0.0.0.0", "api_key": "k" * 16}  # noqa: S104  nothing listens


@pytest.mark.parametrize(
    ("settings", "mode", "expected"),
    [
        ({}, 0o700, []),
        ({}, 0o755, []),
        ({"api_key": "k"}, 0o700, []),
        ({}, 0o777, ["data_folder_writable_by_others"]),
        ({}, 0o720, ["data_folder_writable_by_others"]),
        (PUBLIC, 0o700, ["connections_unencrypted"]),
        (PUBLIC | {"host": "::"}, 0o700, ["connections_unencrypted"]),
        (PUBLIC | {"public_url": "http://a"}, 0o700, ["connections_unencrypted"]),
        (PUBLIC | {"public_url": "https://a.example"}, 0o700, []),
        (PUBLIC | {"trusted_proxies": "10.0.0.0/8"}, 0o700, []),
        (PUBLIC | {"api_key": "k" * 15, "trusted_proxies": "*"}, 0o700, ["api_key_short"]),
        (PUBLIC | {"api_key": None, "trusted_proxies": "*"}, 0o700, []),
    ],
)
def test_an_operator_is_warned_of_what_strangers_could_use(
    settings: dict[str, Any], mode: int, expected: list[str]
) -> None:
    found = list(cautions(Settings(**settings), mode))
    assert [caution.event for caution in found] == expected
    assert all(caution.facts["advice"] for caution in found)
