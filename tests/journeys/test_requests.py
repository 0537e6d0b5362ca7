import re

import pytest
from playwright.sync_api import expect
from tests.journeys.conftest import PHONE, Demo, NewPage
from tests.journeys.steps import fill_in_details, hold_a_time, link_in_mails, pay, violations, wait_for


@pytest.mark.parametrize(("has_script", "verdict"), [(True, "Accept"), (False, "Decline")])
def test_coach_answers_a_request_from_the_mail(
    demo: Demo, new_page: NewPage, axe: str, *, has_script: bool, verdict: str
) -> None:
    page, email = new_page(has_script=has_script), f"asker-{verdict.lower()}@example.org"
    hold_a_time(page, demo, day=40 if has_script else 41, slot=2, coach="noah-tanaka", offer="Trial lesson")
    fill_in_details(page, email)
    page.get_by_role("button", name=re.compile("^Continue")).click()
    pay(page)
    wait_for(page, "Now Noah Tanaka has to say yes", has_script=has_script)
    manage = link_in_mails(demo, email, "/manage/")
    ref = manage.rpartition("/manage/")[2].partition(".")[0]
    noah = next(one["email"] for one in demo.state()["users"] if one["email"].startswith("noah"))

    coach = new_page(viewport=PHONE, scheme="dark")
    coach.goto(link_in_mails(demo, noah, f"/requests/{ref}"))
    expect(coach.get_by_text("My endgames")).to_be_visible()
    assert violations(coach, axe) == []
    coach.get_by_role("button", name=verdict).click()
    expect(coach.get_by_text("The student has been told")).to_be_visible()
    page.goto(manage)

    if verdict == "Accept":
        expect(page.get_by_text("Confirmed").first).to_be_visible()
    else:
        expect(page.get_by_text("¥3,000 goes back the way you paid.")).to_be_visible()
