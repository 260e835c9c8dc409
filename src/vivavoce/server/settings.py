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
    port: int = Field(8300, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
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
        description="Models to prefer to the server's own; of several that speak a language the "
        "first does. Each is an id of the catalogue, `hub:owner/name@commit`, or a folder (with a "
        "slash), with `de=` before it for German alone. Several with commas.",
    )
    fast_models: Annotated[tuple[str, ...], NoDecode, Listed] = Field(
        (),
        description="Models for sessions that ask for `fast`, and for the partials of `accurate`, "
        "written like `use_models`; else the one in use that takes the least time by the figures.",
    )
    accurate_models: Annotated[tuple[str, ...], NoDecode, Listed] = Field(
        (),
        description="Models for the finals of sessions that ask for `accurate`, written like "
        "`use_models`; else the one in use with the fewest errors by the figures.",
    )
    api_key: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)] | None = Field(
        None, description="The one key to accept, instead of the stored ones."
    )
    public_url: str | None = Field(
        None,
        description="Base URL that clients see, where a proxy hides it. With it, /metrics needs a "
        "key.",
    )
    trusted_proxies: Annotated[str, AfterValidator(_proxies)] = Field(
        "",
        description="Addresses and networks of proxies whose X-Forwarded-For, -Host and -Proto "
        "are used, such as `10.0.0.0/8`; several with commas, * for any. With it, /metrics needs "
        "a key.",
    )
    open_metrics: bool = Field(
        False,
        description="Answer /metrics and the details of /ready without a key. Else only processes "
        "of this machine see them without one, and through a proxy nothing does.",
    )
    workers: int = Field(0, ge=0, description="Recognition processes; 0 means one per core.")
    worker_growth: int = Field(
        1024,
        ge=1,
        description="MiB that a recognition process may grow by; then it is replaced, between two "
        "jobs.",
    )
    model_memory: int = Field(
        0,
        ge=0,
        description="Megabytes for all models together; those used least recently are unloaded "
        "when another is needed. 0 keeps all of them loaded.",
    )
    device: Device = Field(
        "cpu",
        description="Where Whisper computes: `cpu` (int8), or `cuda` (float16, one worker a GPU).",
    )
    context: float = Field(
        20,
        ge=0,
        le=30,
        description="Most seconds of audio that an utterance is decoded with, its own and those "
        "of the channel's speech before it; 0 decodes every utterance alone. Sessions whose "
        "`endpointing` is under 0.2 s take 15 at most, so that their finals come soon.",
    )
    early_finals: bool = Field(
        True,
        description="Decode an utterance as soon as its speaker falls silent, instead of at its "
        "end: finals come sooner and say the same, for some decoding in vain.",
    )
    max_load: float = Field(
        0.85,
        ge=0,
        description="Share of the recognition processes' time that finals may take; beyond it new "
        "sessions are refused with 429. 0 refuses none.",
    )
    max_connections: int = Field(
        0,
        ge=0,
        description="Open connections in all, WebSockets included; 0 takes what the process may "
        "have of file descriptors, less a reserve, and 10,000 at most. Where all are taken, a new "
        "connection replaces the one that has waited longest without a request; where none waits, "
        "it is answered 503.",
    )
    max_connections_per_address: int = Field(
        MAX_PER_ADDRESS,
        ge=1,
        description="Open connections of one IPv4 address or one IPv6 network of 64 bits; others "
        "are answered 503. Loopback addresses and `trusted_proxies` have no such bound.",
    )
    disk_reserve: int = Field(
        512,
        ge=0,
        description="MiB of the data folder's disk that are kept for the sessions that run; with "
        "less free, new ones are refused with 503. 0 keeps nothing.",
    )
    max_sessions: int = Field(
        100,
        ge=1,
        description="Sessions per key that are open at once: connected, or waiting for a client "
        "that is gone to come back.",
    )
    max_unopened: int = Field(
        1000,
        ge=1,
        description="Sessions per key beside them that were created and never connected to.",
    )
    max_duration: Seconds = Field(3 * 3600, description="Seconds of audio in a session.")
    resume_grace: Seconds = Field(
        300, description="Seconds that a session waits for its client to come back."
    )
    farewell_grace: Seconds = Field(
        15,
        description="The same for a client that closes with 1001 or without a code (1005) before a "
        "stop: it leaves on purpose.",
    )
    idle_limit: Seconds = Field(
        300,
        description="Seconds without audio after which a connected session ends; empty chunks "
        "count as audio until `max_quiet`.",
    )
    max_quiet: Seconds = Field(
        3600,
        description="Seconds after which a connected session ends that gets nothing but empty "
        "chunks; no less than `resume_grace` and `idle_limit` together.",
    )
    mute_finalize: float = Field(
        1.0,
        ge=0,
        description="Seconds after which a connected client that sends no audio, as one that is "
        "muted, gets the finals of its open utterances; empty chunks are no audio. A client whose "
        "chunks are longer has one and a half times their duration. 0 waits for more audio.",
    )
    connect_limit: Seconds = Field(
        3600, description="Seconds within which a new session must be connected to."
    )
    engine_patience: Seconds = Field(
        300,
        description="Seconds that a stopped session waits for an engine that cannot start; then it "
        "ends with an error and the finals so far.",
    )
    callback_networks: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode, Listed] = Field(
        (),
        description="Networks beside the public internet that callbacks and webhooks may reach, "
        "such as `10.0.0.0/8`; several with commas.",
    )
    callback_ports: Annotated[tuple[Port, ...], NoDecode, Listed] = Field(
        (80, 443), description="Ports that they may reach; none given means any."
    )
    callback_delays: Annotated[tuple[Seconds, ...], NoDecode, Listed] = Field(
        DELAYS,
        min_length=1,
        description="Longest waits in seconds after failures in a row; the last one goes on.",
    )
    callback_give_up: Seconds = Field(
        GIVE_UP, description="Seconds of failing after which a message is given up and kept apart."
    )
    callback_max_bytes: int = Field(
        MAX_FRAME_BYTES,
        ge=2000,
        description="Closing messages over this size are called back shortened, with a link.",
    )
    log_level: str = Field(
        "info", pattern="^(debug|info|warning|error)$", description="Least level to log."
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
