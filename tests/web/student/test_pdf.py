"""The PDF file, read back by another library than the one that wrote it."""

import io
from dataclasses import replace
from http import HTTPStatus

import pytest
from django.test import Client
from pypdf import PdfReader
from tests.bookings.steps import confirmed
from tests.factories.accounts import make_user
from tests.factories.money import issue_all

from greenroom.catalog.models import Offer
from greenroom.core import clock
from greenroom.core.money import Money
from greenroom.orders.queries import document_token
from greenroom.web.student.pdf import pdf_of
from greenroom.web.student.sheets import TEST_WORDS, Sheet

SHEET = Sheet(
    title="Refund note",
    label="GR-2026-000003",
    facts=(("Date", "Thursday 3 December 2026"), ("Sold by", "Ilse Marchetti")),
    lines=(("Deep-dive session, 60 minutes", Money(-8050, "EUR")),),
    total=Money(-8050, "EUR"),
    note="This amount went back to the buyer.",
    test_words="",
)
UNKNOWN = "\N{REPLACEMENT CHARACTER}"
WORDS_ABOUT_UNKNOWN = "Letters that this file cannot show"


def pages(content: bytes) -> list[str]:
    return [" ".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(content)).pages]


def named(name: str) -> str:
    [page] = pages(pdf_of(replace(SHEET, facts=(("Bought by", name),))))
    return page


def test_file_says_what_the_page_says() -> None:
    content = pdf_of(SHEET)

    [page] = pages(content)
    assert content.startswith(b"%PDF-")
    assert page == (
        "Refund note GR-2026-000003 Date Thursday 3 December 2026 Sold by Ilse Marchetti "
        "Deep-dive session, 60 minutes \N{MINUS SIGN}€80.50 Total \N{MINUS SIGN}€80.50 "
        "This amount went back to the buyer."
    )
    assert PdfReader(io.BytesIO(content)).metadata.title == "Refund note GR-2026-000003"  # type: ignore[union-attr]


def test_play_money_is_marked_first() -> None:
    [page] = pages(pdf_of(replace(SHEET, test_words=TEST_WORDS)))

    assert page.startswith(f"TEST {TEST_WORDS} Refund note")
    assert "TEST" not in pages(pdf_of(SHEET))[0]


def test_file_is_the_same_whenever_it_is_asked_for() -> None:
    assert pdf_of(SHEET) == pdf_of(SHEET)


@pytest.mark.parametrize("name", ["Élodie Kovač", "Олена Шевченко", "Γιώργος", "Nguyễn Thị", "Ann <b>&amp;</b> %s"])
def test_names_that_the_typeface_has_are_written(name: str) -> None:
    assert name in named(name)
    assert WORDS_ABOUT_UNKNOWN not in named(name)


def test_accents_typed_apart_are_put_together() -> None:
    assert "Élodie" in named("E\N{COMBINING ACUTE ACCENT}lodie")


@pytest.mark.parametrize("name", ["山田 太郎", "محمد", "שרה", "😀", "\U0001f468\u200d\U0001f469", "\u0b95\u0bcd"])
def test_letters_that_the_typeface_has_not_stand_as_a_mark(name: str) -> None:
    page = named(f"Ann {name} End")

    assert f"Ann {UNKNOWN}" in page
    assert "End" in page
    assert WORDS_ABOUT_UNKNOWN in page


@pytest.mark.parametrize("name", ["", " ", "W" * 300, "long " * 60, "\t", "a" * 1000])
def test_empty_and_endless_words_fit(name: str) -> None:
    assert name.strip().replace(" ", "") in named(name).replace(" ", "")


def test_more_lines_than_a_sheet_holds_go_on_the_next() -> None:
    lines = tuple((f"Line {number}", Money(number, "JPY")) for number in range(80))

    found = pages(pdf_of(replace(SHEET, lines=lines)))

    assert len(found) == 3
    assert "Line 0 " in found[0]
    assert "Line 79 ¥79 Total" in found[2]


@pytest.mark.parametrize("by_token", [True, False])
def test_file_is_given_to_those_who_may_see_the_page(offer: Offer, by_token: bool) -> None:  # noqa: FBT001 -- a table
    user, client = make_user(), Client()
    confirmed(offer, student=user)
    [receipt] = issue_all(now=clock.now())
    if not by_token:
        client.force_login(user)
    address = f"/receipts/{document_token(receipt) if by_token else receipt.ref}/"

    answer = client.get(f"{address}pdf/")

    assert f'href="{address}pdf/"' in client.get(address).content.decode()
    assert (answer.status_code, answer["Content-Type"]) == (HTTPStatus.OK, "application/pdf")
    assert answer["Content-Disposition"] == 'attachment; filename="TEST-G-2026-000001.pdf"'
    assert "no-store" in answer["Cache-Control"]
    [page] = pages(answer.content)
    assert page.startswith(f"TEST {TEST_WORDS} Receipt TEST-G-2026-000001")
    assert "Ann Guest" in page


def test_somebody_elses_file_is_not_there(client: Client, offer: Offer) -> None:
    confirmed(offer, student=make_user(email="owner@example.org"))
    [receipt] = issue_all(now=clock.now())
    asked = client.get

    assert asked(f"/receipts/{receipt.ref}/pdf/").status_code == HTTPStatus.FOUND
    client.force_login(make_user(email="other@example.org"))
    assert asked(f"/receipts/{receipt.ref}/pdf/").status_code == HTTPStatus.NOT_FOUND
    assert asked(f"/receipts/{document_token(receipt)}x/pdf/").status_code == HTTPStatus.NOT_FOUND
