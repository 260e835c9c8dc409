"""The pages of the reference, each made from what the program itself goes by."""

import re
from collections.abc import Iterable

import typer
from callback_safety import callback_safety
from markdown_schema import Schema, fields, kind, sections, table
from typer.cli import get_docs_for_click
from typer.main import get_command

from vivavoce import __version__
from vivavoce.cli.main import app
from vivavoce.protocol.close_codes import CloseCode
from vivavoce.protocol.description.asyncapi import asyncapi
from vivavoce.protocol.description.openapi import openapi
from vivavoce.protocol.languages import TRANSCRIPTION_CODES, TRANSLATION_CODES
from vivavoce.server.limits import LIMITS
from vivavoce.server.metrics import READINGS, Metrics
from vivavoce.server.settings import Settings

MADE = "<!-- Made by `make docs`; edit the code instead. -->\n"
STARRED = "Fields marked \\* are always there in an answer, and needed in a request."


def pages() -> dict[str, str]:
    """Every page by its file name."""
    return {
        "http.md": _page("HTTP", http()),
        "messages.md": _page("Messages of the socket", messages()),
        "close-codes.md": _page("Close codes", close_codes()),
        "settings.md": _page("Settings", settings()),
        "limits.md": _page("Limits", limits()),
        "metrics.md": _page("Metrics", metrics()),
        "callback-safety.md": _page("Safety of callbacks", callback_safety()),
        "cli.md": f"{MADE}\n{commands()}",
    }


def _page(title: str, parts: Iterable[str]) -> str:
    text = "\n\n".join([MADE + f"\n# {title}", *(part.strip() for part in parts if part)])
    return text + "\n"


def http() -> Iterable[str]:
    """Operations, then the schemas that they mention."""
    document = openapi(__version__)
    schemas = document["components"]["schemas"]
    yield document["info"]["description"]
    yield "The same for machines: `/openapi.json` of a running server."
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield f"## {method.upper()} {path}"
            yield from _operation(operation)
    yield f"## Objects\n\n{STARRED}"
    yield from sections(schemas, schemas)
    yield f"## Language codes\n\n{' '.join(f'`{code}`' for code in TRANSCRIPTION_CODES)}"
    others = sorted(set(TRANSLATION_CODES) - set(TRANSCRIPTION_CODES))
    yield f"For translation also {' '.join(f'`{code}`' for code in others)}."


def _operation(operation: Schema) -> Iterable[str]:
    yield f"{operation['summary']}.{' Needs no key.' * ('security' in operation)}"
    yield table(
        ("parameter", "in", "type", "meaning"),
        (
            (f"`{p['name']}`", p["in"], kind(p["schema"]), p["description"])
            for p in operation["parameters"]
        ),
    )
    if body := operation.get("requestBody"):
        schema = body["content"]["application/json"]["schema"]
        yield f"Body: {schema.get('description') or kind(schema)}"
    yield table(
        ("status", "meaning", "body"),
        (
            (status, answer["description"], _content(answer))
            for status, answer in operation["responses"].items()
        ),
    )


def _content(answer: Schema) -> str:
    return ", ".join(
        kind(content["schema"]) if "json" in media else f"`{media}`"
        for media, content in answer.get("content", {}).items()
    )


def messages() -> Iterable[str]:
    """Both directions, then the objects within messages."""
    document = asyncapi(__version__)
    schemas = document["components"]["schemas"]
    about, _, _ = document["info"]["description"].partition("Close codes:")
    yield f"{about.strip()} [Close codes](close-codes.md)."
    yield f"The same for machines: `/asyncapi.json` of a running server. {STARRED}"
    shown = set()
    for title, operation in (("From the client", "hear"), ("From the server", "speak")):
        yield f"## {title}"
        for reference in document["operations"][operation]["messages"]:
            name = reference["$ref"].rsplit("/", 1)[1]
            shown.add(name)
            yield from _message(document["components"]["messages"][name], schemas.get(name))
    yield "## Objects"
    yield from sections(schemas, (name for name in schemas if name not in shown))


def _message(message: Schema, schema: Schema | None) -> Iterable[str]:
    kind_of = f"`{message['name']}`" if schema else "Binary frames"
    yield f"### {kind_of}"
    yield f"{message['summary']} {message.get('description', '')}"
    if schema:
        yield fields(schema)


def close_codes() -> Iterable[str]:
    """Codes, what they mean, and what a client does."""
    yield "With what the server closes a socket."
    yield table(
        ("code", "meaning", "published clients"),
        (
            (str(code.value), code.meaning, "reconnect" if code.resumable else "end")
            for code in CloseCode
        ),
    )


def settings() -> Iterable[str]:
    """Settings with their variables and defaults."""
    yield (
        "Settings of `vivavoce serve`: [flags](cli.md#vivavoce-serve) win over variables, "
        "variables over the TOML file that `--config` names."
    )
    described = Settings.model_json_schema()["properties"]
    yield table(
        ("in the file", "variable", "default", "meaning"),
        (
            (f"`{name}`", f"`VIVAVOCE_{name.upper()}`", _default(schema), schema["description"])
            for name, schema in described.items()
        ),
    )


def limits() -> Iterable[str]:
    """Every bound with what happens when it is reached."""
    yield (
        "Every queue, buffer, time-out and retry of the server has a bound. Those with a "
        "[setting](settings.md) may be changed."
    )
    for area in dict.fromkeys(limit.area for limit in LIMITS):
        yield f"## {area.capitalize()}"
        yield table(
            ("what", "bound", "when it is reached", "setting"),
            (
                (
                    limit.name,
                    f"{limit.value:,.15g} {limit.unit}".replace(",", " "),
                    limit.reached,
                    f"`{limit.setting}`" if limit.setting else "",
                )
                for limit in LIMITS
                if limit.area == area
            ),
        )


def metrics() -> Iterable[str]:
    """Every metric with its labels."""
    yield (
        "`GET /metrics` answers in the text format of Prometheus: without a key to processes of "
        "the same machine that ask under a loopback name and not through a proxy, unless "
        "`public_url` or `trusted_proxies` is set; with `x-gladia-key`, or after "
        "[`open_metrics`](settings.md), to all."
    )
    counted = [
        (family.name + "_total" * (family.type == "counter"), family.type, family.documentation)
        for family in Metrics().registry.collect()
    ]
    read = [(reading.name, reading.kind, reading.help) for reading in READINGS]
    rows = sorted([*counted, *read])
    yield table(("metric", "type", "meaning"), ((f"`{name}`", *rest) for name, *rest in rows))
    yield "`vivavoce_handshakes_total` has the label `outcome`: `admitted` or `refused`."


def _default(schema: Schema) -> str:
    value = schema.get("default", "of the system")
    return "" if value is None else f"`{value}`" if "default" in schema else value


def commands() -> str:
    """The commands as their help has it, without what depends on the shell."""
    command = get_command(app)
    context = typer.Context(command, info_name="vivavoce")
    text = get_docs_for_click(obj=command, ctx=context, name="vivavoce")
    text = re.sub(r"^\* `--(install|show)-completion.*\n", "", text, flags=re.MULTILINE)
    text = re.sub(r"\*\*Commands\*\*:\n\n(\* .*\n)+\n", "", text)
    return text.rstrip() + "\n"
