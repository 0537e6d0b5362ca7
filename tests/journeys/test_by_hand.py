"""Paying by hand, walked in a browser: staff offer it, a student chooses it and sends a proof, the coach answers."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from tests.factories.serving import running_server
from tests.journeys.conftest import PHONE, Demo, NewPage
from tests.journeys.steps import fill_in_details, hold_a_time, link_in_mails, sign_in, violations, wait_for

PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    """Serve a demo of its own: another way to pay would change the checkout of every other journey."""
    with running_server() as address:
        yield Demo(address)


def offer_method(new_page: NewPage, demo: Demo, title: str) -> Page:
    """Fill in a new method as staff; it is not saved yet."""
    office = new_page()
    office.goto(f"{demo.address}/account/login/?next=/ops/payments/by-hand/methods/new/")
    office.locator("#id_login").fill("admin@greenroom.example")
    office.locator("#id_password").fill("greenroom demo")
    office.get_by_role("button", name="Sign in").last.click()
    office.get_by_label("Name").fill(title)
    office.get_by_label("How to pay").fill("Account 123 at the demo's bank")
    return office


@pytest.mark.parametrize("has_script", [True, False], ids=["script", "no script"])
def test_student_pays_by_transfer_and_the_coach_says_that_it_came(
    new_page: NewPage, demo: Demo, axe: str, *, has_script: bool
) -> None:
    title = f"Bank transfer {'with' if has_script else 'without'} script"
    office = offer_method(new_page, demo, title)
    office.get_by_label(re.compile("^The coach may say")).check()
    office.get_by_role("button", name="Save").click()
    expect(office.get_by_text(title).first).to_be_visible()

    page = new_page(has_script=has_script, viewport=PHONE, scheme="dark")
    hold_a_time(page, demo, day=9, slot=2 if has_script else 5)
    fill_in_details(page, f"by-hand-{has_script}@example.org")
    page.get_by_role("button", name=re.compile("^Continue to payment")).click()
    page.get_by_role("radio", name=re.compile(title)).check()
    page.get_by_label(re.compile("I agree")).check()
    page.get_by_role("button", name=re.compile("^Pay")).click()
    expect(page.get_by_text("Account 123 at the demo's bank")).to_be_visible()
    if has_script:
        assert violations(page, axe) == []
    page.get_by_label(re.compile("^A picture or PDF")).set_input_files(
        {"name": "proof.png", "mimeType": "image/png", "buffer": PNG}
    )
    page.get_by_role("button", name="I have paid").click()
    expect(page.get_by_role("heading", name="Waiting for Maya Lindqvist")).to_be_visible()

    studio = new_page()
    sign_in(studio, demo, "maya")
    studio.get_by_role("link", name="Look at it").first.click()
    studio.get_by_role("link", name=re.compile("^Look and answer")).first.click()
    if has_script:
        assert violations(studio, axe) == []
    with studio.expect_download() as saved:
        studio.get_by_role("link", name=re.compile("^PNG")).click()
    assert re.fullmatch(r"proof-[\w-]+\.png", saved.value.suggested_filename)
    studio.get_by_role("button", name="It arrived").click()
    expect(studio.get_by_text("Written down.")).to_be_visible()

    # The page does not look again by itself: the mail tells them.
    wait_for(page, "You are booked with Maya Lindqvist", has_script=False)


@pytest.mark.parametrize("has_script", [True, False], ids=["script", "no script"])
def test_guest_pays_a_download_by_transfer_and_staff_say_that_it_came(
    new_page: NewPage, demo: Demo, axe: str, *, has_script: bool
) -> None:
    title = f"Download {'with' if has_script else 'without'} script"
    email = f"download-{has_script}@example.org".lower()
    office = offer_method(new_page, demo, title)
    office.get_by_role("button", name="Save").click()

    page = new_page(has_script=has_script, viewport=PHONE)
    page.goto(f"{demo.address}/maya-lindqvist/endgame-workbook/")
    page.get_by_label("Name").fill("Jo Doe")
    page.get_by_label("Email", exact=True).fill(email)
    page.get_by_role("button", name="Continue to payment · €19").click()
    page.get_by_role("radio", name=re.compile(title)).check()
    page.get_by_label(re.compile("I agree")).check()
    if has_script:
        assert violations(page, axe) == []
    page.get_by_role("button", name="Pay €19").click()
    expect(page.get_by_text("Account 123 at the demo's bank")).to_be_visible()
    if has_script:
        assert violations(page, axe) == []
    page.get_by_role("button", name="I have paid").click()
    expect(page.get_by_role("heading", name="Waiting for our staff")).to_be_visible()

    office.goto(f"{demo.address}/ops/payments/by-hand/")
    office.get_by_role("link", name=re.compile("^Look and answer")).first.click()
    office.get_by_role("button", name="It arrived").click()
    expect(office.get_by_text("Written down.")).to_be_visible()

    wait_for(page, "Endgame workbook is yours", has_script=False)
    with page.expect_download() as saved:
        page.get_by_role("link", name=re.compile("endgame-workbook.txt")).click()
    assert saved.value.suggested_filename == "endgame-workbook.txt"
    other = new_page(has_script=has_script)
    other.goto(link_in_mails(demo, email, "/purchase/"))
    expect(other.get_by_role("heading", name="Endgame workbook is yours")).to_be_visible()
