"""How child processes of this interpreter start: a clean environment, and no code by accident.

A child takes no module from the folder that its parent happens to stand in, and inherits only
what it needs: never keys, tokens or settings of the server.
"""

import os
import sys
from collections.abc import Collection, Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path

NEUTRAL_FOLDER = "/"
"""Where children run: nothing there that Python, or a library, would read."""

PLATFORM = frozenset({
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "TZ", "LANG", "LANGUAGE", "LC_*"),
    *("TMPDIR", "TMP", "TEMP", "XDG_*", "LD_LIBRARY_PATH", "DYLD_*", "VIRTUAL_ENV"),
    *("PYTHONPATH", "PYTHONHOME", "PYTHONUTF8", "PYTHONIOENCODING", "PYTHONUNBUFFERED"),
    *("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX", "PYTHONHASHSEED", "PYTHONMALLOC"),
    *("PYTHONWARNINGS", "PYTHONDEVMODE", "PYTHONFAULTHANDLER", "PYTHONASYNCIODEBUG"),
    "PYTHONPERFSUPPORT",
})  # fmt: skip
"""What any program needs, and what the operator says of Python. ``*`` stands for any ending."""

COMPUTING = frozenset({
    *("OMP_*", "GOMP_*", "KMP_*", "OPENBLAS_*", "MKL_*", "BLIS_*", "VECLIB_*", "NUMEXPR_*"),
    *("GOTO_NUM_THREADS", "MALLOC_*", "CT2_*", "ORT_*", "CUDA_*", "CUDNN_*", "CUBLAS_*"),
    *("NVIDIA_*", "HIP_*", "ROCR_*", "TF_ENABLE_ONEDNN_OPTS", "VIVAVOCE_ENGINE_*"),
    *("HF_HOME", "HF_HUB_CACHE", "HF_HUB_OFFLINE"),
})  # fmt: skip
"""What numeric libraries and engines read; ``VIVAVOCE_ENGINE_*`` is for engines of others."""

FETCHING = frozenset({
    *("PIP_*", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NETRC"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "FTP_PROXY"),
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy", "ftp_proxy"),
    *("DBUS_SESSION_BUS_ADDRESS", "PYTHON_KEYRING_BACKEND", "SSLKEYLOGFILE"),
})  # fmt: skip
"""What pip reads: indexes, credentials, proxies and certificates."""

_PATHS = frozenset({
    *("PIP_CONFIG_FILE", "PIP_CERT", "PIP_CLIENT_CERT", "PIP_FIND_LINKS", "PIP_CACHE_DIR"),
    *("PIP_CONSTRAINT", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    *("NETRC", "TMPDIR", "TMP", "TEMP", "HF_HOME", "HF_HUB_CACHE", "VIRTUAL_ENV", "PYTHONHOME"),
    "PYTHONPYCACHEPREFIX",
})  # fmt: skip
"""Variables whose relative paths would lead elsewhere from the neutral folder."""

_SEARCH_PATHS = frozenset({"PYTHONPATH", "LD_LIBRARY_PATH", "PATH"})


def interpreter(module: str) -> tuple[str, ...]:
    """The start of a command that runs a module, never one of the working folder (``-P``)."""
    return (sys.executable, "-P", "-m", module)


def clean_environment(
    *allowed: Collection[str], source: Mapping[str, str] | None = None, folder: Path | None = None
) -> dict[str, str]:
    """The allowed part of an environment, with paths that no longer depend on the folder.

    Args:
        allowed: names, or beginnings of names with ``*``; ``PLATFORM`` is always allowed.
        source: the environment; by default this process's own.
        folder: what relative paths are relative to; by default the working folder.
    """
    names = frozenset(PLATFORM).union(*allowed)
    given = os.environ if source is None else source
    base = folder or Path.cwd()
    return dict(_cleaned(given, names, base))


def _cleaned(
    source: Mapping[str, str], allowed: Collection[str], folder: Path
) -> Iterator[tuple[str, str]]:
    for name, value in source.items():
        if not any(fnmatchcase(name, pattern) for pattern in allowed):
            continue
        if name in _SEARCH_PATHS:
            parts = [str(folder / part) for part in value.split(os.pathsep) if part]
            yield name, os.pathsep.join(parts)
        elif name in _PATHS:
            yield name, _from(folder, value)
        else:
            yield name, value


def _from(folder: Path, value: str) -> str:
    """Paths of a value that exist, made absolute; several stand with spaces between them."""
    if (folder / value).exists():
        return str(folder / value)
    parts = value.split(" ")
    return " ".join(
        str(folder / part) if part and _exists(folder, part) else part for part in parts
    )


def _exists(folder: Path, part: str) -> bool:
    return "://" not in part and (folder / part).exists()
