"""The HTTP side against its own description, with data that Schemathesis makes up."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect

from vivavoce.cli.own_server import OwnServer
from wire_schema import assert_valid_message

pytestmark = pytest.mark.asyncio(loop_scope="module")

CONFIG = Path(__file__).with_name("schemathesis.toml")
PATIENCE = 60
STOP = json.dumps({"type": "stop_recording"})


async def finished_session(server: OwnServer) -> str:
    """A session with half a second of silence, from its first to its last message."""
    async with httpx.AsyncClient(headers={"x-gladia-key": server.api_key}) as http:
        made = (await http.post(f"{server.url}/v2/live", json={})).json()
    async with asyncio.timeout(PATIENCE), connect(made["url"]) as socket:
        await socket.send(bytes(16_000))
        await socket.send(STOP)
        async for frame in socket:
            assert_valid_message(json.loads(frame))
    return str(made["id"])


def with_tolerance(document: dict[str, Any]) -> dict[str, Any]:
    """The document with what the contract tolerates beyond it: null for an absent field."""
    schemas = document["components"]["schemas"]
    for name in _parts(schemas, "InitRequest"):
        part = schemas[name]
        for field, schema in part["properties"].items():
            if field not in part["required"]:
                part["properties"][field] = {"anyOf": [schema, {"type": "null"}]}
    return document


def _parts(schemas: dict[str, Any], name: str) -> set[str]:
    """The names of a schema and of all that it holds."""
    found = {name}
    for other in schemas:
        if f'"#/components/schemas/{other}"' in json.dumps(schemas[name]):
            found |= _parts(schemas, other)
    return found


async def with_examples(document: dict[str, Any], server: OwnServer) -> dict[str, Any]:
    """The document with a finished session as the example of each operation on one."""
    for path in document["paths"].values():
        for operation in path.values():
            for parameter in operation["parameters"]:
                if parameter["in"] == "path":
                    parameter["example"] = await finished_session(server)
    return document


async def test_the_server_keeps_to_its_openapi_document(server: OwnServer, tmp_path: Path) -> None:
    async with httpx.AsyncClient() as http:
        document = (await http.get(f"{server.url}/openapi.json")).json()
    described = tmp_path / "openapi.json"
    document = await with_examples(with_tolerance(document), server)
    described.write_text(json.dumps(document))
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("schemathesis"),
        f"--config-file={CONFIG}",
        "run",
        str(described),
        f"--url={server.url}",
        f"--header=x-gladia-key: {server.api_key}",
        cwd=tmp_path,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    report = said.decode()
    assert process.returncode == 0, report
    assert "Missing test data" not in report, report
