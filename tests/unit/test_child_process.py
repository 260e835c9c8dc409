import subprocess
import sys
from pathlib import Path

import pytest

from vivavoce.child_process import (
    COMPUTING,
    FETCHING,
    NEUTRAL_FOLDER,
    clean_environment,
    interpreter,
)

SECRETS = {
    "VIVAVOCE_API_KEY": "the key",
    "GLADIA_API_KEY": "another",
    "AWS_SECRET_ACCESS_KEY": "a third",
    "HF_TOKEN": "a fourth",
    "PYTHONSTARTUP": "/srv/evil.py",
    "PYTHONINSPECT": "1",
    "LD_PRELOAD": "/srv/evil.so",
    "VIVAVOCE_DATA": "/var/lib/vivavoce",
}


@pytest.mark.parametrize("allowed", [(), (COMPUTING,), (COMPUTING, FETCHING)])
def test_secrets_and_settings_stay_with_the_parent(allowed: tuple[frozenset[str], ...]) -> None:
    """Workers inherited everything, the API key included."""
    assert clean_environment(*allowed, source=SECRETS | {"PATH": "/bin"}) == {"PATH": "/bin"}


def test_what_a_child_needs_goes_through() -> None:
    needed = {
        "HOME": "/home/u",
        "LC_ALL": "C",
        "TMPDIR": "/scratch",
        "XDG_CACHE_HOME": "/cache",
        "OMP_NUM_THREADS": "2",
        "OPENBLAS_CORETYPE": "Haswell",
        "CUDA_VISIBLE_DEVICES": "1",
        "VIVAVOCE_ENGINE_LICENCE": "abc",
    }
    assert clean_environment(COMPUTING, source=needed) == needed
    fetching = {"HTTPS_PROXY": "http://proxy:3128", "PIP_INDEX_URL": "https://u:p@index/simple"}
    assert clean_environment(FETCHING, source=fetching) == fetching


def test_paths_mean_the_same_from_the_neutral_folder(tmp_path: Path) -> None:
    (tmp_path / "wheels").mkdir()
    (tmp_path / "pip.conf").touch()
    given = {
        "PYTHONPATH": ":src::/opt/lib:",
        "PIP_CONFIG_FILE": "pip.conf",
        "PIP_FIND_LINKS": "wheels https://index.example/links gone",
        "SSL_CERT_FILE": "/etc/ca.pem",
    }
    assert clean_environment(FETCHING, source=given, folder=tmp_path) == {
        "PYTHONPATH": f"{tmp_path}/src:/opt/lib",
        "PIP_CONFIG_FILE": f"{tmp_path}/pip.conf",
        "PIP_FIND_LINKS": f"{tmp_path}/wheels https://index.example/links gone",
        "SSL_CERT_FILE": "/etc/ca.pem",
    }


def test_an_interpreter_runs_no_module_of_the_folder_it_is_started_in(tmp_path: Path) -> None:
    (tmp_path / "this.py").write_text("print('planted')")
    said = subprocess.run(
        interpreter("this"), cwd=tmp_path, env=clean_environment(), capture_output=True, check=True
    )
    assert b"planted" not in said.stdout
    assert interpreter("this")[0] == sys.executable
    assert Path(NEUTRAL_FOLDER).is_absolute()
