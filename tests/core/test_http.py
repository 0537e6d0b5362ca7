import pytest
from django.test import RequestFactory, override_settings

from greenroom.core.http import client_address

PROXIES = ("10.0.0.0/8", "192.0.2.7", "2001:db8:1::/48")
STRANGER = "203.0.113.9"


def _address(remote: str, forwarded: str | None = None, proxies: tuple[str, ...] = PROXIES) -> str:
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    request = RequestFactory().get("/", headers=headers, REMOTE_ADDR=remote)
    with override_settings(TRUSTED_PROXIES=proxies):
        return client_address(request)


def test_direct_caller_is_the_peer() -> None:
    assert _address(STRANGER) == STRANGER


@pytest.mark.parametrize("forwarded", ["1.2.3.4", "1.2.3.4, 10.0.0.1", "10.0.0.1", "", "garbage"])
def test_header_of_a_stranger_is_not_believed(forwarded: str) -> None:
    assert _address(STRANGER, forwarded) == STRANGER
    assert _address(STRANGER, forwarded, proxies=()) == STRANGER
    assert _address("10.0.0.1", forwarded, proxies=()) == "10.0.0.1"


@pytest.mark.parametrize(
    ("forwarded", "expected"),
    [
        (STRANGER, STRANGER),
        (f"1.2.3.4, {STRANGER}", STRANGER),  # what stands left was written by strangers
        (f"10.0.0.9, {STRANGER}", STRANGER),
        (f"1.2.3.4, {STRANGER}, 10.9.9.9, 192.0.2.7", STRANGER),  # a chain of our own proxies
        (f"1.2.3.4,{STRANGER} ,  10.9.9.9", STRANGER),
        (f", {STRANGER},,", STRANGER),
        ("10.1.1.1, 10.2.2.2", "10.1.1.1"),  # ours all the way: the farthest
        ("", "10.0.0.1"),
        (", ,", "10.0.0.1"),
    ],
)
def test_header_of_a_proxy_is_read_from_the_right(forwarded: str, expected: str) -> None:
    assert _address("10.0.0.1", forwarded) == expected


@pytest.mark.parametrize(
    "garbage", ["unknown", "1.2.3", "1.2.3.4:80", "<script>", "a" * 10_000, "10.0.0.0/8", "ä", "\uff10"]
)
def test_garbage_where_the_client_should_be_names_the_proxy(garbage: str) -> None:
    assert _address("10.0.0.1", f"{STRANGER}, {garbage}") == "10.0.0.1"


def test_ipv6_is_understood() -> None:
    assert _address("2001:db8:1::5", f"{STRANGER}, 2001:db8:2::9, 2001:db8:1::6") == "2001:db8:2::9"
    assert _address("2001:db8:2::5", "1.2.3.4") == "2001:db8:2::5"


def test_ipv4_inside_ipv6_is_the_same_machine() -> None:
    """A server that listens on [::] sees IPv4 peers this way (RFC 4291, 2.5.5.2)."""
    assert _address("::ffff:10.0.0.1", STRANGER) == STRANGER
    assert _address(f"::ffff:{STRANGER}") == STRANGER
    assert _address("10.0.0.1", f"::ffff:{STRANGER}") == STRANGER


def test_one_machine_has_one_spelling() -> None:
    assert _address("2001:DB8:2:0:0:0:0:5") == "2001:db8:2::5"
    assert _address("10.0.0.1", "2001:0db8:0002::0005") == "2001:db8:2::5"


@pytest.mark.parametrize("remote", ["", "unix:"])
def test_peer_without_an_address_is_nobody_in_particular(remote: str) -> None:
    assert _address(remote, STRANGER) == remote
