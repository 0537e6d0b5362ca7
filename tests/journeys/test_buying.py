"""Buying what needs no time, in a browser."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect
from tests.journeys.conftest import PHONE, Demo, NewPage
from tests.journeys.steps import link_in_mails, pay, violations, wait_for

BUYER = "buyer@example.org"


@pytest.mark.parametrize("has_script", [True, False])
def test_guest_buys_pays_and_saves_the_file(demo: Demo, new_page: NewPage, axe: str, *, has_script: bool) -> None:
    page = new_page(has_script=has_script, viewport=PHONE)
    email = f"{'script' if has_script else 'plain'}.{BUYER}"
    page.goto(f"{demo.address}/maya-lindqvist/")
    page.get_by_role("link", name="Buy Endgame workbook").click()
    if has_script:
        assert violations(page, axe) == []
    page.get_by_label("Name").fill("Jo Doe")
    page.get_by_label("Email", exact=True).fill(email)
    page.get_by_role("button", name="Continue to payment · €19").click()
    expect(page.get_by_role("heading", name="Check and pay")).to_be_visible()
    if has_script:
        assert violations(page, axe) == []

    pay(page)
    wait_for(page, "Endgame workbook is yours", has_script=has_script)

    with page.expect_download() as saved:
        page.get_by_role("link", name=re.compile("endgame-workbook.txt")).click()
    assert saved.value.suggested_filename == "endgame-workbook.txt"
    assert Path(saved.value.path()).read_text(encoding="utf-8").startswith("Position 1.")
    other = new_page(has_script=has_script)
    other.goto(link_in_mails(demo, email, "/purchase/"))
    expect(other.get_by_role("heading", name="Endgame workbook is yours")).to_be_visible()
    if has_script:
        assert violations(other, axe) == []
    page.goto(f"{demo.address}/maya-lindqvist/endgame-workbook/")
    expect(page.get_by_text("You have this already")).to_be_visible()
