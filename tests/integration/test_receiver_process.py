"""The scripted receiver does what tests of deliveries rely on."""

from pathlib import Path

import httpx
import pytest

from integration.receiver_process import BROKEN, Authority, busy, receiving
from integration.scripted_receiver import Step


def post(url: str, number: int = 0) -> int:
    """The status of one request."""
    headers = {"webhook-id": f"m{number}"}
    return httpx.post(url, content=str(number), headers=headers, timeout=5).status_code


def test_each_path_follows_its_own_script_and_then_goes_on_as_told(tmp_path: Path) -> None:
    with receiving(tmp_path / "log") as endpoint:
        endpoint.tell(BROKEN, busy(3), path="/a")
        assert [post(f"{endpoint.url}/a") for _ in range(4)] == [500, 429, 200, 200]
        assert post(f"{endpoint.url}/b") == 200


def test_requests_are_logged_in_order_and_counted_once_by_id(tmp_path: Path) -> None:
    with receiving(tmp_path / "log") as endpoint:
        endpoint.tell(BROKEN)
        for number in (0, 0, 1, 1, 2):
            post(f"{endpoint.url}/a", number)
        assert [one.body for one in endpoint.received("/a")] == ["0", "0", "1", "1", "2"]
        assert [one.body for one in endpoint.accepted("/a")] == ["0", "1", "2"]


def test_it_refuses_and_comes_back_at_the_same_address(tmp_path: Path) -> None:
    with receiving(tmp_path / "log") as endpoint:
        endpoint.refuse()
        with pytest.raises(httpx.ConnectError):
            post(endpoint.url)
        endpoint.tell()
        assert post(endpoint.url) == 200


def test_it_can_be_killed_and_started_again_at_the_same_address(tmp_path: Path) -> None:
    with receiving(tmp_path / "log") as endpoint:
        post(endpoint.url, 1)
        endpoint.kill()
        endpoint.start()
        post(endpoint.url, 2)
        assert [one.body for one in endpoint.received()] == ["1", "2"]


@pytest.mark.parametrize("deed", ["reset", "reset-head", "reset-body", "hang-up", "garbage"])
def test_a_broken_answer_is_no_answer(tmp_path: Path, deed: str) -> None:
    with receiving(tmp_path / "log") as endpoint:
        endpoint.tell(Step(deed))  # type: ignore[arg-type]  # literals, as far as mypy can tell
        with pytest.raises(httpx.TransportError):
            post(endpoint.url)
        assert post(endpoint.url) == 200


def test_a_certificate_of_an_unknown_authority_is_not_trusted(tmp_path: Path) -> None:
    certificate = Authority(tmp_path).certificate("127.0.0.1")
    with (
        receiving(tmp_path / "log", certificate=certificate) as endpoint,
        pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        post(endpoint.url)
