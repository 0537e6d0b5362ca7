"""The steps that people take through the pages."""

import re
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from playwright.sync_api import Page, expect
from tests.factories.waiting import wait_until
from tests.journeys.conftest import Demo


def choose_day(page: Page, demo: Demo, days_ahead: int) -> None:
    """Turn to the month of a day so many days from now and press it."""
    today = datetime.fromisoformat(demo.state()["now"]).astimezone(ZoneInfo("Europe/Paris"))
    cell = page.locator(f"#day-{today + timedelta(days=days_ahead):%Y%m%d}")
    for _ in range(3):
        if cell.is_visible():
            break
        month = page.get_by_role("heading", level=2).first.inner_text()
        page.get_by_role("link", name=re.compile("^Next month")).click()
        expect(page.get_by_role("heading", level=2).first).not_to_have_text(month)
    cell.click()
    expect(page.locator("a.day[aria-label*=selected]")).to_be_visible()


def hold_a_time(
    page: Page, demo: Demo, *, day: int, slot: int, coach: str = "maya-lindqvist", offer: str = "Game review"
) -> None:
    """Choose a time on a coach's page, the first one's unless told, and arrive at the details."""
    page.goto(f"{demo.address}/{coach}/")
    page.get_by_role("link", name=re.compile(f"^Book {offer}")).first.click()
    choose_day(page, demo, day)
    page.locator("button.slot").nth(slot).click()
    expect(page.get_by_role("heading", name="Your details")).to_be_visible()


def fill_in_details(page: Page, email: str) -> None:
    page.get_by_label("Name").fill("Jo Doe")
    page.get_by_label("Email", exact=True).fill(email)
    page.get_by_label(re.compile("What should")).fill("My endgames")


def pay(page: Page, *, card: str = "4242 4242 4242 4242") -> None:
    page.get_by_label(re.compile("I agree")).check()
    page.get_by_role("button", name=re.compile("^Pay")).click()
    page.get_by_label("Card number").fill(card)
    page.get_by_role("button", name=re.compile("^Pay [€¥$]")).click()


def wait_for(page: Page, text: str, *, has_script: bool) -> None:
    """Wait for words that come by themselves with script, and with a reload without."""
    shown = page.get_by_text(text).first
    if has_script:
        shown.wait_for()
        return

    def is_there_now() -> bool:
        page.reload()
        return shown.is_visible()

    wait_until(lambda: shown.is_visible() or is_there_now(), text, every=0.5)


def violations(page: Page, axe: str) -> list[Any]:
    """Run axe-core; `bypass_csp` is not needed, because it is injected by the browser's own tools."""
    page.evaluate(axe)
    found = page.evaluate(
        "axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa', 'best-practice']})"
    )
    return [(each["id"], [node["html"] for node in each["nodes"]]) for each in found["violations"]]


def sign_in(page: Page, demo: Demo, slug: str, *, to: str = "**/studio/") -> None:
    """Sign in as one of the demo's people, by the first part of their address; coaches arrive at the studio."""
    email = next(one["email"] for one in demo.state()["users"] if one["email"].startswith(slug))
    page.goto(f"{demo.address}/account/login/")
    page.locator("#id_login").fill(email)
    page.locator("#id_password").fill("greenroom demo")
    page.get_by_role("button", name="Sign in").last.click()
    page.wait_for_url(to)


def link_in_mails(demo: Demo, to: str, path: str) -> str:
    """Wait for a mail to somebody with an address of this path, and return the address."""

    def links() -> list[str]:
        texts = [mail["text"] for mail in demo.state()["mailbox"] if mail["to"] == to]
        return re.findall(rf"http://\S+{path}\S+", "\n".join(texts))

    wait_until(links, f"a mail to {to} with {path}", every=0.5)
    return links()[0]
