"""The HTTP side against its own description, with data that Schemathesis makes up."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from integration.server_process import KEY, ServerProcess
from integration.wire import Api, spoken_through

CONFIG = Path(__file__).with_name("schemathesis.toml")
LIMIT = 200
"""Seconds; it takes about 20."""


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


async def with_examples(document: dict[str, Any], api: Api) -> dict[str, Any]:
    """The document with a session or an endpoint as the example of each operation on one."""
    for name, path in document["paths"].items():
        for operation in path.values():
            for parameter in operation["parameters"]:
                if parameter["in"] == "path":
                    make = webhook if "webhooks" in name else finished_session
                    parameter["example"] = await make(api)
    return document


async def finished_session(api: Api) -> str:
    """The id of a session that is over."""
    finished, _ = await spoken_through(api, [bytes(16_000)])
    return finished.id


async def webhook(api: Api) -> str:
    """The id of an endpoint where nobody listens."""
    added = await api.call("POST", "/vivavoce/webhooks", {"url": "http://127.0.0.1:9/"})
    return str(added.json()["id"])


async def test_the_server_keeps_to_its_openapi_document(
    server: ServerProcess, tmp_path: Path
) -> None:
    api = Api(server.url)
    document = (await api.call("GET", "/openapi.json")).json()
    document = await with_examples(with_tolerance(document), api)
    described = tmp_path / "openapi.json"
    described.write_text(json.dumps(document))
    program = Path(sys.executable).with_name("schemathesis")
    options = [f"--url={server.url}", f"--header=x-gladia-key: {KEY}"]
    run = subprocess.run(  # noqa: ASYNC221  nothing else runs in this loop
        [program, f"--config-file={CONFIG}", "run", described, *options],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert run.returncode == 0, run.stdout
    assert "Missing test data" not in run.stdout, run.stdout
