"""A real server for the conformance tests, whose unused sessions end soon."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from vivavoce.cli.own_server import OwnServer, own_server
from vivavoce.recognition.model_errors import ModelError
from vivavoce.recognition.store import ModelStore
from vivavoce.server.settings import load
from vivavoce.server.voices import Voices

SETTINGS = {"VIVAVOCE_CONNECT_LIMIT": "2", "VIVAVOCE_MAX_SESSIONS": "100000"}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server() -> AsyncIterator[OwnServer]:
    """A server of the module's own."""
    try:
        Voices(ModelStore(load(None, {}).models)).check()
    except ModelError as error:
        pytest.skip(f"run make models: {error}")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in SETTINGS.items():
            patch.setenv(name, value)
        async with own_server() as running:
            yield running
