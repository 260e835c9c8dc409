from ipaddress import ip_address, ip_network

import pytest

from hostile import Trick, urls
from vivavoce.delivery.addresses import Reach
from vivavoce.delivery.targets import MAX_URL, RefusedTargetError, Target, target

PUBLIC = Reach()
HOME = Reach([ip_network("10.0.0.0/8"), ip_network("127.0.0.0/8"), ip_network("::1/128")])
ROWS = urls()


def test_the_table_has_at_least_120_rows_and_none_twice() -> None:
    assert len(ROWS) >= 120
    assert len({row.url for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: ascii(row.url)[1:60])
def test_a_hostile_url_is_refused_for_its_reason(row: Trick) -> None:
    with pytest.raises(RefusedTargetError) as refused:
        target(row.url, PUBLIC)
    assert str(refused.value).startswith(row.refusal)


@pytest.mark.parametrize(
    ("url", "scheme", "host", "port", "path"),
    [
        ("https://example.com", "https", "example.com", 443, "/"),
        ("HTTPS://Example.COM/Hook", "https", "example.com", 443, "/Hook"),
        ("http://example.com:443/", "http", "example.com", 443, "/"),
        ("https://a.b-c.example/x/?y=%C3%A4", "https", "a.b-c.example", 443, "/x/?y=%C3%A4"),
        ("https://example.com?token=a:b@c", "https", "example.com", 443, "/?token=a:b@c"),
        ("http://hooks_1.example/a[]=1|2", "http", "hooks_1.example", 80, "/a[]=1|2"),
        ("https://bücher.example/", "https", "xn--bcher-kva.example", 443, "/"),
        ("https://XN--bcher-kva.example/", "https", "xn--bcher-kva.example", 443, "/"),
        ("https://例え.テスト/", "https", "xn--r8jz45g.xn--zckzah", 443, "/"),
        ("http://1.example/", "http", "1.example", 80, "/"),
        ("http://example.c0m/", "http", "example.c0m", 80, "/"),
    ],
)
def test_an_ordinary_url_is_read(url: str, scheme: str, host: str, port: int, path: str) -> None:
    assert target(url, PUBLIC) == Target(scheme, host, port, path, None)


@pytest.mark.parametrize(
    ("host", "shortest"),
    [
        ("8.8.8.8", "8.8.8.8"),
        ("[2A00:1450::0001]", "2a00:1450::1"),
        ("[::ffff:8.8.8.8]", "::ffff:808:808"),
        ("[64:ff9b::8.8.8.8]", "64:ff9b::808:808"),
    ],
)
def test_a_public_address_is_read(host: str, shortest: str) -> None:
    read = target(f"http://{host}/", PUBLIC)
    assert read.address == ip_address(shortest)
    assert read.authority.strip("[]") == read.host


def test_the_longest_url_is_read_and_a_longer_one_is_not() -> None:
    url = "https://example.com/".ljust(MAX_URL, "a")
    assert target(url, PUBLIC).path.startswith("/aaa")
    with pytest.raises(RefusedTargetError, match="at most 2048 characters"):
        target(url + "a", PUBLIC)


def test_an_operator_allows_networks() -> None:
    assert target("http://10.1.2.3/", HOME).host == "10.1.2.3"
    assert target("http://[::ffff:10.1.2.3]/", HOME).address == ip_address("::ffff:10.1.2.3")
    assert target("http://[::1]/", HOME).authority == "[::1]"
    for other in ("192.168.0.1", "169.254.169.254", "[fd00::1]"):
        with pytest.raises(RefusedTargetError, match="public address"):
            target(f"http://{other}/", HOME)


def test_names_of_private_networks_are_left_to_the_look_up_where_a_network_is_allowed() -> None:
    for host in ("localhost", "receiver", "nas.home.arpa"):
        assert target(f"http://{host}/", HOME).host == host


def test_an_allowed_network_does_not_allow_unusual_forms() -> None:
    for host in ("127.1", "2130706433", "0x7f.1", "localhost.", "a@127.0.0.1"):
        with pytest.raises(RefusedTargetError):
            target(f"http://{host}/", HOME)


def test_an_operator_allows_ports() -> None:
    reach = Reach(ports={8443})
    assert target("https://example.com:8443/", reach).authority == "example.com:8443"
    with pytest.raises(RefusedTargetError, match="not 443"):
        target("https://example.com/", reach)
