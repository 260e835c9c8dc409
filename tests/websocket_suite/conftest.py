"""No case of the suite waits for a clock."""

from collections.abc import Iterator

import pytest

from websocket_suite.memory import without_waits


@pytest.fixture(autouse=True)
def hurried() -> Iterator[None]:
    """Clients that were refused are closed at once."""
    with without_waits():
        yield
