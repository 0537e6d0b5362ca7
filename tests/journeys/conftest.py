"""Journeys are walked in a real browser against a real server of their own."""

import json
import os
import shutil
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright
from tests.factories.serving import running_server
from tests.factories.waiting import PATIENCE_SECONDS

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_AXE = Path(__file__).resolve().parents[2] / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
_QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DESKTOP = {"width": 1280, "height": 860}
PHONE = {"width": 390, "height": 844}
_WAIT_MILLISECONDS = PATIENCE_SECONDS * 1000


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is in this folder, and skip it with a clear word where there is no browser."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.xdist_group(f"browser {item.path.stem}"))
            if connection.vendor == "postgresql":
                item.add_marker(pytest.mark.skip(reason="the journeys' own server runs on SQLite"))
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="needs Chromium: install the package chromium"))


@dataclass(frozen=True, slots=True)
class Demo:
    """A running demo and its sandbox endpoints."""

    address: str

    def state(self) -> dict[str, Any]:
        """Return /sandbox/state.json."""
        return self.get("/sandbox/state.json")

    def get(self, path: str) -> dict[str, Any]:
        """Return the JSON at a path."""
        with urllib.request.urlopen(f"{self.address}{path}", timeout=PATIENCE_SECONDS) as answer:  # noqa: S310 -- loopback
            found: dict[str, Any] = json.load(answer)
        return found

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Post JSON to a sandbox endpoint."""
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.address}{path}", json.dumps(body).encode(), headers)  # noqa: S310 -- loopback
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:  # noqa: S310 -- loopback
            found: dict[str, Any] = json.load(answer)
        return found

    def set_clock(self, instant: str) -> None:
        """Move the sandbox's clock to an instant."""
        self.post("/sandbox/clock", {"now": instant})


@pytest.fixture(scope="session")
def demo() -> Iterator[Demo]:
    """Serve one demo for all journeys of this process that change nothing but times of their own."""
    with running_server() as address:
        yield Demo(address)


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """Start Playwright, which drives the machine's own Chromium.

    Its event loop stays in this thread until the end, so Django would refuse the database to every later test of the
    same process.
    """
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    expect.set_options(timeout=_WAIT_MILLISECONDS)
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Start the browser once."""
    started = playwright.chromium.launch(executable_path=CHROMIUM, args=list(_QUIET), timeout=_WAIT_MILLISECONDS)
    yield started
    started.close()


NewPage = Callable[..., Page]


@pytest.fixture
def new_page(browser: Browser) -> Iterator[NewPage]:
    """Return a function that opens a page in a fresh profile; whatever the console complains of fails the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def make(*, has_script: bool = True, scheme: Any = "light", viewport: dict[str, int] | None = None) -> Page:
        context = browser.new_context(
            viewport=viewport or DESKTOP,  # type: ignore[arg-type]  # a typed dictionary there, the same keys here
            color_scheme=scheme,
            java_script_enabled=has_script,
            timezone_id="Europe/Paris",
            locale="en-GB",
        )
        context.set_default_timeout(_WAIT_MILLISECONDS)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield make
    for context in contexts:
        context.close()
    # A refused card and an unfinished form are answered with 4xx on purpose, and the browser logs that.
    assert [text for text in complaints if "status of 4" not in text] == []


@pytest.fixture(scope="session")
def axe() -> str:
    """Return the source of axe-core, which `make` installs with the front end."""
    return _AXE.read_text(encoding="utf-8")
