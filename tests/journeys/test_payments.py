"""What people read when paying does not go as it should."""

import re

import pytest
from playwright.sync_api import Page, expect
from tests.factories.waiting import wait_until
from tests.journeys.conftest import Demo, NewPage
from tests.journeys.steps import fill_in_details, hold_a_time, sign_in, wait_for

ASKS, ASKS_TOO = "4000 0027 6000 3184", "4000 0025 0000 3155"
DISPUTED = "4000 0000 0000 0259"
SAM = "sam@greenroom.example"
MINUTE = 60


def go_to_the_gateway(page: Page, demo: Demo, email: str, *, day: int, slot: int) -> tuple[str, str]:
    """Hold a time, say who one is, and stand on the pay page with a good card typed.

    Returns that payment's ref and the address of the checkout that led there.
    """
    hold_a_time(page, demo, day=day, slot=slot)
    fill_in_details(page, email)
    page.get_by_role("button", name=re.compile("^Continue")).click()
    page.get_by_label(re.compile("I agree")).check()
    checkout_url = page.url
    page.get_by_role("button", name=re.compile("^Pay")).click()
    page.get_by_label("Card number").fill("4242 4242 4242 4242")
    return page.url.rsplit("/", 1)[-1], checkout_url


def let_time_pass(demo: Demo, seconds: int) -> None:
    demo.post("/sandbox/clock", {"advance_seconds": seconds})


def payment(demo: Demo, ref: str) -> dict[str, object]:
    """Return one payment as the gateway sees it."""
    found: dict[str, object] = next(one for one in demo.state()["payments"] if one["ref"] == ref)
    return found


def wait_for_mail(demo: Demo, to: str, subject: str) -> str:
    """Wait for a mail whose subject begins so, and return its text."""

    def texts() -> list[str]:
        return [m["text"] for m in demo.state()["mailbox"] if m["to"] == to and m["subject"].startswith(subject)]

    wait_until(texts, subject, every=0.5)
    return texts()[0]


def wait_for_the_end(demo: Demo, ref: str) -> None:
    """Let a quarter of an hour pass and wait until the gateway ended the page."""
    let_time_pass(demo, 15 * MINUTE + 1)
    wait_until(lambda: payment(demo, ref)["status"] == "dead", "the end of the page", every=0.3)


def test_bank_that_says_no_leaves_the_page_for_another_card(demo: Demo, new_page: NewPage) -> None:
    page = new_page()
    go_to_the_gateway(page, demo, "asked@example.org", day=16, slot=1)

    page.get_by_label("Card number").fill(ASKS)
    page.get_by_role("button", name=re.compile("^Pay €")).click()
    page.get_by_role("button", name="Refuse").click()
    expect(page.get_by_role("alert")).to_contain_text("Your bank did not confirm the payment")
    page.get_by_label("Card number").fill(ASKS_TOO)
    page.get_by_role("button", name=re.compile("^Pay €")).click()
    page.get_by_role("button", name="Approve the payment").click()

    wait_for(page, "You are booked with Maya Lindqvist", has_script=True)


def test_page_that_ended_while_paying_says_so_and_leads_back_to_free_times(demo: Demo, new_page: NewPage) -> None:
    page = new_page()
    ref, _checkout_url = go_to_the_gateway(page, demo, "slow@example.org", day=17, slot=1)
    wait_for_the_end(demo, ref)

    page.get_by_role("button", name=re.compile("^Pay €")).click()

    expect(page.get_by_role("status")).to_contain_text("cannot be paid any more. Nothing was taken.")
    page.get_by_role("link", name="Back to where you came from").click()
    expect(page.get_by_text("We no longer hold this time for you, and no payment has arrived.")).to_be_visible()
    page.locator("button.slot").nth(1).click()
    expect(page.get_by_role("heading", name="Your details")).to_be_visible()


def pay_after_the_end(page: Page, demo: Demo) -> None:
    """Pay on a page that has ended, where the card is charged all the same, and come back with the browser."""
    demo.post("/sandbox/faults", {"seam": "payments", "fault": "paid_after_the_end"})
    page.get_by_role("button", name=re.compile("^Pay €")).click()
    # Whether the callback or she comes first is nobody's to say: what she reads must be true in both cases.
    either = "If you have just paid, you get a mail in a minute|You are booked with|This time was gone"
    expect(page.get_by_text(re.compile(either)).first).to_be_visible()


def test_late_money_takes_the_time_while_it_is_free(demo: Demo, new_page: NewPage) -> None:
    page = new_page()
    payment_ref, checkout_url = go_to_the_gateway(page, demo, "late@example.org", day=18, slot=1)
    wait_for_the_end(demo, payment_ref)

    pay_after_the_end(page, demo)

    wait_for_mail(demo, "late@example.org", "Booked: Game review")
    page.goto(checkout_url)
    expect(page.get_by_role("heading", name="You are booked with Maya Lindqvist")).to_be_visible()
    assert payment(demo, payment_ref)["refunded_minor"] == 0


def test_late_money_for_a_time_that_is_taken_goes_back_and_says_so(demo: Demo, new_page: NewPage) -> None:
    page, other = new_page(), new_page()
    payment_ref, checkout_url = go_to_the_gateway(page, demo, "toolate@example.org", day=19, slot=1)
    wait_for_the_end(demo, payment_ref)
    hold_a_time(other, demo, day=19, slot=1)

    pay_after_the_end(page, demo)

    wait_until(lambda: payment(demo, payment_ref)["refunded_minor"] == 8000, "the refund", every=0.3)
    text = wait_for_mail(demo, "toolate@example.org", "Your payment goes back: Game review")
    assert "€80" in text
    page.goto(checkout_url)
    expect(page.get_by_role("heading", name="This time was gone before the payment arrived")).to_be_visible()
    expect(page.get_by_text("You get all of your money back")).to_be_visible()
    page.get_by_role("link", name="Choose another time").click()
    expect(page.locator("a.day").first).to_be_visible()


def test_staff_give_a_part_back_and_the_student_reads_it(demo: Demo, new_page: NewPage) -> None:
    student, staff = new_page(), new_page()
    sign_in(student, demo, "sam", to="**/sessions/")
    payment_ref, _checkout_url = go_to_the_gateway(student, demo, SAM, day=21, slot=1)
    student.get_by_role("button", name=re.compile("^Pay €")).click()
    wait_for(student, "You are booked with Maya Lindqvist", has_script=True)
    sign_in(staff, demo, "admin", to="**/admin/")
    staff.goto(f"{demo.address}/ops/orders/{payment(demo, payment_ref)['order']}/")

    staff.get_by_role("link", name="Refund", exact=True).click()
    staff.get_by_label("Amount").fill("20")
    staff.get_by_label("Reason").fill("We began late")
    staff.get_by_role("button", name="Look at what this does").click()
    expect(staff.get_by_text(f"Goes back to {SAM}, the way it was paid")).to_be_visible()
    staff.get_by_role("button", name="Send €20 back").click()

    expect(staff.get_by_text("€20 is on its way back.")).to_be_visible()
    wait_until(lambda: payment(demo, payment_ref)["refunded_minor"] == 2000, "the refund", every=0.3)
    let_time_pass(demo, 2 * MINUTE)
    note = wait_for_mail(demo, SAM, "Your refund note")
    assert "€20 went back the way you paid." in note
    assert "We began late" not in note
    student.goto(f"{demo.address}/account/purchases/")
    expect(student.get_by_text("Refunded in part")).to_be_visible()
    expect(student.get_by_text("€20 of it went back to you.")).to_be_visible()
    student.get_by_role("link", name=re.compile("Refund note")).click()
    expect(student.get_by_role("heading", name=re.compile("Refund note"))).to_be_visible()
    expect(student.get_by_text("\N{MINUS SIGN}€20").first).to_be_visible()


def lists_dispute(page: Page, demo: Demo, order: object) -> bool:
    """Tell whether the operator's page about money lists an open dispute of an order."""
    page.goto(f"{demo.address}/ops/money/")
    return page.get_by_role("link", name=f"Order {order}").count() > 0


@pytest.mark.parametrize(
    ("decision", "words", "day"), [("won", "Dispute: won", 23), ("lost", "Dispute: lost, the money is gone", 24)]
)
def test_operator_follows_a_dispute_to_its_end(
    demo: Demo, new_page: NewPage, *, decision: str, words: str, day: int
) -> None:
    student, staff = new_page(), new_page()
    payment_ref, _checkout_url = go_to_the_gateway(student, demo, f"{decision}@example.org", day=day, slot=1)
    student.get_by_label("Card number").fill(DISPUTED)
    student.get_by_role("button", name=re.compile("^Pay €")).click()
    wait_for(student, "You are booked with Maya Lindqvist", has_script=True)
    order = payment(demo, payment_ref)["order"]
    order_url = f"{demo.address}/ops/orders/{order}/"
    let_time_pass(demo, MINUTE + 1)
    sign_in(staff, demo, "admin", to="**/admin/")

    wait_until(lambda: lists_dispute(staff, demo, order), "the dispute", every=0.5)
    expect(staff.get_by_text("The bank has the money. Answer at the gateway by")).to_be_visible()
    staff.goto(f"{order_url}refund/")
    expect(staff.get_by_text("The cardholder disputes this payment")).to_be_visible()
    expect(staff.get_by_role("button", name="Look at what this does")).to_have_count(0)
    staff.goto(f"{demo.address}/sandbox/")
    staff.get_by_role("button", name=f"Decide: {decision} for order {order}").click()
    expect(staff.get_by_text("The gateway tells Greenroom in a moment")).to_be_visible()

    wait_until(lambda: not lists_dispute(staff, demo, order), "the end of the dispute", every=0.5)
    staff.goto(order_url)
    expect(staff.get_by_text(words, exact=True)).to_be_visible()
    expect(staff.get_by_role("link", name="Refund", exact=True)).to_have_count(1 if decision == "won" else 0)
