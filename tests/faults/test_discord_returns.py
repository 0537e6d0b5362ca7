"""Sixteen people come back from Discord at the same moment, to a demo whose sixteen threads are its Discord as well.

Were a return to wait for Discord inside the request, every thread would wait for one that is free.
"""

import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from html import unescape

import httpx
import pytest
from tests.factories.serving import COACH, OFFER, running_server
from tests.factories.waiting import PATIENCE_SECONDS, wait_until

PEOPLE = 16
_CSRF = re.compile(r'name="csrfmiddlewaretoken"\s+value="([^"]+)"')
_CONNECT = re.compile(r'formaction="([^"]+/discord/[^"]*)"')


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Serve a demo of its own."""
    with running_server() as started:
        yield started


def free_starts(address: str) -> list[str]:
    """Return the hours of the day after tomorrow."""
    day = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()
    asked = {"from": day, "to": day, "tz": "UTC", "duration": "60"}
    answer = httpx.get(f"{address}/api/v1/coaches/{COACH}/offers/{OFFER}/slots", params=asked).json()
    return [slot["starts_at"] for slot in answer["days"][0]["slots"] if slot["starts_at"].endswith("00:00Z")]


def come_as_far_as_the_return(browser: httpx.Client, number: int, starts_at: str) -> tuple[str, str]:
    """Hold a time, go to Discord and allow it; gives the details page and the address Discord sends one back to."""
    csrf = _CSRF.findall(browser.get(f"/book/{COACH}/", params={"offer": OFFER}).text)[0]
    wanted = {"offer": OFFER, "duration": "60", "starts_at": starts_at, "csrfmiddlewaretoken": csrf}
    details = browser.post(f"/book/{COACH}/", data=wanted).headers["Location"]
    page = browser.get(details).text
    away = browser.post(unescape(_CONNECT.findall(page)[0]), data={"csrfmiddlewaretoken": _CSRF.findall(page)[0]})
    consent = browser.post(away.headers["Location"], data={"new_name": f"Person {number}", "decision": "allow"})
    return details, consent.headers["Location"]


def is_connected(browser: httpx.Client, details: str, number: int) -> bool:
    return f"person.{number}." in browser.get(details).text


def test_sixteen_returns_at_once_are_answered_and_connected(address: str) -> None:
    starts = free_starts(address)
    everybody_is_there = threading.Barrier(PEOPLE)

    def walk(number: int) -> None:
        with httpx.Client(base_url=address, timeout=PATIENCE_SECONDS) as browser:
            details, back = come_as_far_as_the_return(browser, number, starts[number])
            everybody_is_there.wait(PATIENCE_SECONDS)
            assert browser.get(back).status_code == httpx.codes.FOUND
            wait_until(lambda: is_connected(browser, details, number), "Discord")

    with ThreadPoolExecutor(PEOPLE) as pool:
        list(pool.map(walk, range(PEOPLE)))
