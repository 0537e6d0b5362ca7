import threading

import pytest
from tests.integrations.discord.faulty_server import FaultyServer, Reply

from greenroom.integrations.discord import transport as transport_module
from greenroom.integrations.discord.transport import HttpxTransport, NotSent, Unanswered


def test_send_answer_cut_short_is_unanswered(server: FaultyServer, transport: HttpxTransport) -> None:
    server.queue(Reply(200, b"{", {"Content-Length": "100", "Connection": "close"}))

    with pytest.raises(Unanswered):
        transport.send("POST", f"{server.base_url}/x", {}, b"{}")


def test_send_answer_too_long_is_unanswered(
    server: FaultyServer, transport: HttpxTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transport_module, "MAX_ANSWER_BYTES", 10)
    server.queue(Reply(200, b"x" * 11))

    with pytest.raises(Unanswered):
        transport.send("GET", f"{server.base_url}/x", {}, None)


def test_send_scheme_unknown_is_not_sent(transport: HttpxTransport) -> None:
    with pytest.raises(NotSent):
        transport.send("GET", "ftp://127.0.0.1/x", {}, None)


def test_send_keeps_no_cookies(server: FaultyServer, transport: HttpxTransport) -> None:
    server.queue(Reply(200, {}, {"Set-Cookie": "a=1"}), Reply(200, {}))

    transport.send("GET", f"{server.base_url}/x", {}, None)
    transport.send("GET", f"{server.base_url}/x", {}, None)

    assert "Cookie" not in server.seen[1].headers


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://localhost:8000/api/v10", True),
        ("http://127.0.0.1:8000/api/v10", True),
        ("http://[::1]:8000/api/v10", True),
        ("https://discord.com/api/v10", False),
        ("https://10.0.0.1/api/v10", False),
        ("nonsense", False),
    ],
)
def test_only_this_machine_goes_around_a_proxy(url: str, *, expected: bool) -> None:
    assert transport_module._is_loopback(url) is expected  # noqa: SLF001 -- its effect needs a proxy


def test_send_from_several_threads(server: FaultyServer, transport: HttpxTransport) -> None:
    def ask() -> None:
        transport.send("GET", f"{server.base_url}/x", {}, None)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(server.seen) == 4
