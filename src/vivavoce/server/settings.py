"""Every setting of the server: flags over ``VIVAVOCE_*`` over a TOML file over the defaults.

This is the only place that reads the environment.
"""

import tomllib
from difflib import get_close_matches
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from vivavoce import places
from vivavoce.delivery.schedule import DELAYS, GIVE_UP
from vivavoce.protocol.frames import MAX_FRAME_BYTES
from vivavoce.recognition.loading import Device
from vivavoce.server.http.connections import MAX_PER_ADDRESS
from vivavoce.server.trusted_proxies import TrustedProxies

Seconds = Annotated[float, Field(gt=0)]


def _listed(value: object) -> object:
    """Split a list that is given as one text at its commas."""
    if not isinstance(value, str):
        return value
    return [part.strip() for part in value.split(",") if part.strip()]


def _proxies(value: str) -> str:
    """Check addresses and networks at the start instead of at the first request."""
    TrustedProxies.parse(value)
    return value


Listed = BeforeValidator(_listed)
Port = Annotated[int, Field(ge=1, le=65535)]


class Settings(BaseSettings):
    """Settings of ``vivavoce serve``."""

    model_config = SettingsConfigDict(env_prefix="VIVAVOCE_", extra="forbid", frozen=True)

    host: str = Field("127.0.0.1", description="Address to listen on; `::` serves IPv4 and IPv6.")
    port: int = Field(8300, ge=0, le=65535, description="Port to listen on; 0 selects a free port.")
    data: Path = Field(
        default_factory=places.data_folder,
        description="Folder of the journal, the records and the recordings.",
    )
    models: Path = Field(
        default_factory=places.models_folder,
        description="Folder of the models.",
    )
    use_models: Annotated[tuple[str, ...], NoDecode, Listed] = Field(
        (),
        description="Models to prefer to the built-in choice; for each language the first model"
        " that supports it is used. Each is a catalogue ID, "
        "`hub:owner/name@commit`, or a folder (with a slash); the prefix `de=` "
        "limits it to German. Separate several with commas.",
    )
    fast_models: Annotated[tuple[str, ...], NoDecode, Listed] = Field(
        (),
        description="Models for sessions with the model `fast` and for the partials of "
        "`accurate`, written like `use_models`; by default the fastest model in use"
        " according to the catalogue.",
    )
    accurate_models: Annotated[tuple[str, ...], NoDecode, Listed] = Field(
        (),
        description="Models for the finals of sessions with the model `accurate`, written like "
        "`use_models`; by default the most accurate model in use according to the "
        "catalogue.",
    )
    api_key: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)] | None = Field(
        None, description="The only API key to accept, instead of the stored keys."
    )
    public_url: str | None = Field(
        None,
        description="Base URL that clients use, if it differs behind a proxy. If set, /metrics "
        "requires a key.",
    )
    trusted_proxies: Annotated[str, AfterValidator(_proxies)] = Field(
        "",
        description="Addresses and networks of proxies whose X-Forwarded-For, -Host and -Proto "
        "headers are used, such as `10.0.0.0/8`; separate several with commas, * "
        "for any. If set, /metrics requires a key.",
    )
    open_metrics: bool = Field(
        False,
        description="Serve /metrics and the details of /ready without a key. Otherwise only "
        "processes of this machine can read them without a key, and not through a "
        "proxy.",
    )
    workers: int = Field(0, ge=0, description="Number of worker processes; 0 means one per core.")
    worker_growth: int = Field(
        1024,
        ge=1,
        description="MiB by which a worker process may grow before it is replaced, between two "
        "jobs.",
    )
    model_memory: int = Field(
        0,
        ge=0,
        description="Memory in MB for all models together; the least recently used models are "
        "unloaded when another is needed. 0 keeps all models loaded.",
    )
    device: Device = Field(
        "cpu",
        description="Device for Whisper: `cpu` (int8) or `cuda` (float16, one worker per GPU).",
    )
    context: float = Field(
        20,
        ge=0,
        le=30,
        description="Maximum seconds of audio per decoding: the utterance and the channel's "
        "speech before it. 0 decodes every utterance alone. Sessions whose "
        "`endpointing` is below 0.2 s use at most 15 s, for faster finals.",
    )
    early_finals: bool = Field(
        True,
        description="Decode an utterance as soon as silence begins instead of at its end: the "
        "same finals arrive earlier, and some decodings are wasted.",
    )
    max_load: float = Field(
        0.85,
        ge=0,
        description="Maximum share of worker time for finals; above it, new sessions are "
        "refused with 429. 0 disables the limit.",
    )
    max_connections: int = Field(
        0,
        ge=0,
        description="Maximum open connections, WebSockets included; 0 derives it from the limit"
        " of file descriptors, less a reserve, up to 10,000. At the limit, a new "
        "connection replaces the one that has been idle longest; if none is idle, "
        "it receives 503.",
    )
    max_connections_per_address: int = Field(
        MAX_PER_ADDRESS,
        ge=1,
        description="Maximum open connections per IPv4 address or IPv6 /64 network; further "
        "ones receive 503. Loopback addresses and `trusted_proxies` are exempt.",
    )
    disk_reserve: int = Field(
        512,
        ge=0,
        description="MiB of free disk space to reserve for running sessions; with less free, "
        "new sessions are refused with 503. 0 disables the reserve.",
    )
    max_sessions: int = Field(
        100,
        ge=1,
        description="Maximum open sessions per key: connected, or waiting for their client to "
        "reconnect.",
    )
    max_unopened: int = Field(
        1000,
        ge=1,
        description="Maximum sessions per key that were created and have had no connection, in "
        "addition to the open ones.",
    )
    max_duration: Seconds = Field(3 * 3600, description="Maximum seconds of audio per session.")
    resume_grace: Seconds = Field(
        300, description="Seconds that a session waits for its client to reconnect."
    )
    farewell_grace: Seconds = Field(
        15,
        description="Seconds that a session waits after its client closed the connection with "
        "1001 or without a code (1005) before a stop.",
    )
    idle_limit: Seconds = Field(
        300,
        description="Seconds without audio after which a connected session ends; empty chunks "
        "count as audio for up to `max_quiet`.",
    )
    max_quiet: Seconds = Field(
        3600,
        description="Seconds after which a connected session ends that receives only empty "
        "chunks; at least the sum of `resume_grace` and `idle_limit`.",
    )
    mute_finalize: float = Field(
        1.0,
        ge=0,
        description="Seconds without audio after which the open utterances of a connected "
        "client end, for example when it is muted; empty chunks do not count as "
        "audio. For longer chunks, 1.5 times their duration applies. 0 disables "
        "this.",
    )
    connect_limit: Seconds = Field(
        3600, description="Seconds within which a client must connect to a new session."
    )
    engine_patience: Seconds = Field(
        300,
        description="Seconds that a stopped session waits for an engine that cannot start; then"
        " the session ends with an error and its finals so far.",
    )
    callback_networks: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode, Listed] = Field(
        (),
        description="Networks that callbacks and webhooks may reach in addition to public "
        "addresses, such as `10.0.0.0/8`; separate several with commas.",
    )
    callback_ports: Annotated[tuple[Port, ...], NoDecode, Listed] = Field(
        (80, 443),
        description="Ports that callbacks and webhooks may reach; an empty list allows all.",
    )
    callback_delays: Annotated[tuple[Seconds, ...], NoDecode, Listed] = Field(
        DELAYS,
        min_length=1,
        description="Maximum delays in seconds before each retry of a delivery; the last value "
        "repeats.",
    )
    callback_give_up: Seconds = Field(
        GIVE_UP,
        description="Seconds of failed attempts after which a message becomes a dead letter.",
    )
    callback_max_bytes: int = Field(
        MAX_FRAME_BYTES,
        ge=2000,
        description="Maximum bytes of a closing message in a callback; larger ones are "
        "shortened and contain a link.",
    )
    log_level: str = Field(
        "info", pattern="^(debug|info|warning|error)$", description="Minimum log level."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return the sources by precedence: flags, then the environment, then the file."""
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


class SettingsError(ValueError):
    """Settings are unknown or not valid; the text names each."""


def load(config: Path | None, flags: dict[str, Any]) -> Settings:
    """Load the settings from all sources; ``flags`` that are None are ignored.

    Raises:
        SettingsError: a value is not valid, a name is unknown, or the file is missing.
    """
    if config is not None and not config.is_file():
        raise SettingsError(f"no settings file at {config}")

    class FromFile(Settings):
        model_config = SettingsConfigDict(toml_file=config)

    try:
        return FromFile(**{name: value for name, value in flags.items() if value is not None})
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{config} is no TOML: {error}") from error
    except ValidationError as error:
        raise SettingsError("; ".join(map(_fault, error.errors()))) from error


def _fault(details: ErrorDetails) -> str:
    """Describe a fault, with the nearest name for an unknown setting."""
    name = ".".join(map(str, details["loc"]))
    if details["type"] != "extra_forbidden":
        return f"{name}: {details['msg']}"
    near = get_close_matches(name, Settings.model_fields, n=1)
    return f"there is no setting {name}" + (f"; did you mean {near[0]}?" if near else "")
