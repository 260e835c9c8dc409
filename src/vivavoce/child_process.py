"""Starting child processes of this interpreter with a clean environment and import path.

A child imports no modules from its parent's working folder, and inherits only the variables it
needs: never keys, tokens or settings of the server.
"""

import os
import sys
from collections.abc import Collection, Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path

NEUTRAL_FOLDER = "/"
"""The working folder of children, which has no files that Python or a library would read."""

PLATFORM = frozenset({
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "TERM", "TZ", "LANG", "LANGUAGE", "LC_*"),
    *("TMPDIR", "TMP", "TEMP", "XDG_*", "LD_LIBRARY_PATH", "DYLD_*", "VIRTUAL_ENV"),
    *("PYTHONPATH", "PYTHONHOME", "PYTHONUTF8", "PYTHONIOENCODING", "PYTHONUNBUFFERED"),
    *("PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX", "PYTHONHASHSEED", "PYTHONMALLOC"),
    *("PYTHONWARNINGS", "PYTHONDEVMODE", "PYTHONFAULTHANDLER", "PYTHONASYNCIODEBUG"),
    "PYTHONPERFSUPPORT",
})  # fmt: skip
"""Variables for any program and for Python itself; ``*`` matches any suffix."""

COMPUTING = frozenset({
    *("OMP_*", "GOMP_*", "KMP_*", "OPENBLAS_*", "MKL_*", "BLIS_*", "VECLIB_*", "NUMEXPR_*"),
    *("GOTO_NUM_THREADS", "MALLOC_*", "CT2_*", "ORT_*", "CUDA_*", "CUDNN_*", "CUBLAS_*"),
    *("NVIDIA_*", "HIP_*", "ROCR_*", "TF_ENABLE_ONEDNN_OPTS", "VIVAVOCE_ENGINE_*"),
    *("HF_HOME", "HF_HUB_CACHE", "HF_HUB_OFFLINE"),
})  # fmt: skip
"""Variables of numeric libraries and engines; ``VIVAVOCE_ENGINE_*`` is for custom engines."""

FETCHING = frozenset({
    *("PIP_*", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NETRC"),
    *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "FTP_PROXY"),
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy", "ftp_proxy"),
    *("DBUS_SESSION_BUS_ADDRESS", "PYTHON_KEYRING_BACKEND", "SSLKEYLOGFILE"),
})  # fmt: skip
"""Variables that pip reads: indexes, credentials, proxies and certificates."""

_PATHS = frozenset({
    *("PIP_CONFIG_FILE", "PIP_CERT", "PIP_CLIENT_CERT", "PIP_FIND_LINKS", "PIP_CACHE_DIR"),
    *("PIP_CONSTRAINT", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
    *("NETRC", "TMPDIR", "TMP", "TEMP", "HF_HOME", "HF_HUB_CACHE", "VIRTUAL_ENV", "PYTHONHOME"),
    "PYTHONPYCACHEPREFIX",
})  # fmt: skip
"""Variables whose relative paths would change meaning in the neutral folder."""

_SEARCH_PATHS = frozenset({"PYTHONPATH", "LD_LIBRARY_PATH", "PATH"})


def interpreter(module: str) -> tuple[str, ...]:
    """Return a command prefix that runs a module, never from the working folder (``-P``)."""
    return (sys.executable, "-P", "-m", module)


def clean_environment(
    *allowed: Collection[str], source: Mapping[str, str] | None = None, folder: Path | None = None
) -> dict[str, str]:
    """Return the allowed part of an environment, with relative paths made absolute.

    Args:
        allowed: names, or prefixes followed by ``*``; ``PLATFORM`` is always allowed.
        source: the environment; by default that of this process.
        folder: base of relative paths; by default the working folder.
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
    """Make the existing paths in a value absolute; several are separated by spaces."""
    if (folder / value).exists():
        return str(folder / value)
    parts = value.split(" ")
    return " ".join(
        str(folder / part) if part and _exists(folder, part) else part for part in parts
    )


def _exists(folder: Path, part: str) -> bool:
    return "://" not in part and (folder / part).exists()
