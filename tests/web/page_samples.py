"""One context for every page, as the comment at the top of its template asks for it."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from django import forms

from greenroom.core.money import Money
from greenroom.notifications.display import Viewer
from greenroom.web import picker, zones
from greenroom.web.by_hand.forms import HandInForm
from greenroom.web.picker import OpenTime, PickerQuery, Reach
from greenroom.web.public.forms import BuyerForm, PurchaseTermsForm
from greenroom.web.student.forms import AskForm, MoveForm

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
STARTS = datetime(2026, 12, 3, 9, tzinfo=UTC)
ENDS = STARTS + timedelta(hours=1)
VIEWER = Viewer("Asia/Kolkata")
PRICE = Money(8000, "EUR")


class DetailsForm(forms.Form):
    name = forms.CharField()
    email = forms.EmailField()
    goals = forms.CharField(required=False, help_text="Only Ilse reads this.", widget=forms.Textarea)
    way = forms.ChoiceField(choices=[("talk", "Talk"), ("board", "Board")], widget=forms.RadioSelect)
    days = forms.MultipleChoiceField(
        choices=[("mo", "Monday"), ("tu", "Tuesday")], widget=forms.CheckboxSelectMultiple, required=False
    )
    notes = forms.CharField(required=False)
    wants_reminders = forms.BooleanField(required=False)
    terms = forms.BooleanField()


class TermsForm(forms.Form):
    terms = forms.BooleanField()


class CancelForm(forms.Form):
    reason = forms.ChoiceField(choices=[("time", "The time no longer fits")], widget=forms.RadioSelect, required=False)
    note = forms.CharField(required=False, widget=forms.Textarea)


class EmailForm(forms.Form):
    email = forms.EmailField()


class FilterForm(forms.Form):
    q = forms.CharField(required=False)
    topic = forms.ChoiceField(choices=[("", "All topics")], required=False)
    max_price = forms.IntegerField(required=False)


def coach(**changes: object) -> SimpleNamespace:
    fields = {
        "name": "Ilse Marchetti",
        "url": "/ilse/",
        "headline": "One decision at a time",
        "bio": "First paragraph.\n\nSecond paragraph.",
        "topics": ["Leadership"],
        "languages": ["English", "Italian"],
        "tz": "Europe/Berlin",
        "is_verified": True,
        "rating": "4.9",
        "review_count": 1,
        "price": PRICE,
        "next_at": STARTS,
        "book_url": "/book/ilse/",
    }
    return SimpleNamespace(**(fields | changes))


def offer(**changes: object) -> SimpleNamespace:
    fields = {
        "title": "Deep-dive session",
        "summary": "One focused hour.",
        "venue": "discord",
        "length": timedelta(hours=1),
        "price": PRICE,
        "book_url": "/book/ilse/",
        "blocked": "",
    }
    return SimpleNamespace(**(fields | changes))


def frame() -> dict[str, Any]:
    """Return what context processors put into every page."""
    return {
        "viewer": VIEWER,
        "zone_guess": False,
        "theme": "",
        "sandbox": True,
        "messages": [SimpleNamespace(level_tag="success", __str__=lambda: "Done")],
        "user": SimpleNamespace(is_authenticated=False),
        "csrf_token": "token",
        "studio_url": "",
    }


def who_and_what() -> dict[str, Any]:
    return {
        "coach": coach(),
        "offer": offer(),
        "length": timedelta(hours=1),
        "price": PRICE,
        "is_step": False,
        "starts_at": STARTS,
        "ends_at": ENDS,
        "coach_tz": "Europe/Berlin",
        "change_url": "/book/ilse/?date=2026-12-03",
    }


def booker(day: date | None = date(2026, 12, 3), seats_left: int | None = None) -> dict[str, Any]:
    shown = picker.build_picker(
        [OpenTime(STARTS, seats_left)],
        query=PickerQuery(month=date(2026, 12, 1), day=day),
        reach=Reach(date(2026, 11, 20), date(2027, 2, 1)),
        viewer=VIEWER,
    )
    return who_and_what() | {
        "picker": shown,
        "now": NOW,
        "zones": zones.zone_rows("", VIEWER, NOW),
        "q": "",
        "next_path": "",
        "standalone": False,
        "slot_action": "/hold/",
        "slot_method": "post",
        "slot_fields": [("duration", "60")],
        "taken_at": None,
        "alternatives": (),
        "choices": [
            {"label": "Deep-dive, 1 h", "price": PRICE, "is_from": True, "url": "?duration=60", "is_current": True},
            {
                "label": "First talk, 15 min",
                "price": None,
                "is_from": False,
                "url": "?duration=15",
                "is_current": False,
            },
        ],
        "topics": [
            {"label": "Leadership", "price": PRICE, "url": "?topic=leadership", "is_current": False},
            {"label": "Something else", "price": PRICE, "url": "?", "is_current": True},
        ],
    }


def discord(state: str = "missing") -> dict[str, str]:
    return {
        "state": state,
        "name": "sam.orbit",
        "requirement": "before_join",
        "connect_url": "/discord/connect/",
        "switch_url": "/discord/switch/",
        "join_server_url": "",
    }


HOLD = {
    "expires_at": NOW + timedelta(minutes=15),
    "seconds_left": 872,
    "extend_url": "/hold/extend/",
    "release_url": "/hold/release/",
    "again_url": "/book/ilse/",
}
ORDER = {"lines": [{"title": "Deep-dive session", "detail": "1 hour", "amount": PRICE}], "total": PRICE}
CALENDAR = {"ics_url": "/x.ics", "google_url": "https://g.example/", "outlook_url": "https://o.example/"}
POLICY = ["Free to cancel until 24 hours before.", "After that, half is returned."]


def details() -> dict[str, Any]:
    form = DetailsForm({"email": "sam@"})
    return who_and_what() | {
        "form": form,
        "question_fields": [form["way"], form["days"]],
        "hold": HOLD,
        "discord": discord(),
        "policy": POLICY,
        "submit_text": "Continue to payment · €80",
    }


def checkout() -> dict[str, Any]:
    return details() | {
        "form": TermsForm({}),
        "order": ORDER,
        "can_be_paid": True,
        "failure": "Your bank declined the card.",
        "details_url": "/details/",
    }


def by_hand(state: str = "open", *, refusal: str = "", is_purchase: bool = False) -> dict[str, Any]:
    payment = SimpleNamespace(
        amount=PRICE,
        code="7K2MABCD",
        expires_at=STARTS - timedelta(days=2),
        answer_by=STARTS,
        handed_in_at=NOW,
        times_handed_in=1 if refusal else 0,
        refusal=refusal,
    )
    own = no_time() if is_purchase else who_and_what()
    return own | {
        "is_purchase": is_purchase,
        "payment": payment,
        "method": SimpleNamespace(title="Bank transfer", instructions="Account 123"),
        "state": state,
        "who": "Ilse Marchetti",
        "order": ORDER,
        "proofs": 1,
        "form": HandInForm({}),
        "problems": [],
        "cancel_url": "/cancel/",
        "checkout_url": "/checkout/",
        "again_url": "/book/ilse/",
        "mine_url": "/manage/token/",
    }


def confirmed() -> dict[str, Any]:
    return who_and_what() | {
        "state": "confirmed",
        "ref": "GR-7K2M",
        "email": "sam@example.org",
        "order": ORDER,
        "calendar": CALENDAR,
        "manage_url": "/manage/token/",
        "session_url": "/session/ref/",
        "room_opens_at": STARTS - timedelta(hours=2),
        "prepare": ["Bring the decision in one sentence."],
        "discord": discord("connected"),
        "answer_by": STARTS,
        "again_url": "/book/ilse/",
        "change_url": "",
    }


def documents() -> list[dict[str, Any]]:
    receipt = {"title": "Receipt", "label": "G-2026-000012", "amount": PRICE, "url": "/receipts/one/"}
    note = {"title": "Refund note", "label": "GR-2026-000003", "amount": -PRICE, "url": "/receipts/two/"}
    return [receipt, note]


def receipt() -> dict[str, Any]:
    sheet = SimpleNamespace(
        title="Refund note",
        label="TEST-GR-2026-000003",
        facts=(("Date", "Thursday 3 December 2026"), ("Refers to", "TEST-G-2026-000012")),
        lines=(("Deep-dive session, 60 minutes", -PRICE),),
        total=-PRICE,
        note="This amount went back to the buyer.",
        test_words="This is a test.",
    )
    pages = {"refers_to_url": "/receipts/one/", "pdf_url": "/receipts/two/pdf/"}
    return {"sheet": sheet} | pages | {"back": ("/account/purchases/", "My purchases")}


def purchases() -> dict[str, Any]:
    row = {
        "title": "Deep-dive session",
        "coach_name": "Ilse Marchetti",
        "bought_at": STARTS,
        "state": "paid",
        "paid": PRICE,
        "given_back": PRICE,
        "is_test": True,
        "documents": documents(),
    }
    rows = [row, row | {"state": "part_refunded", "documents": []}, row | {"state": "refunded"}]
    return {"rows": rows, "page": SimpleNamespace(has_other_pages=False)}


def manage() -> dict[str, Any]:
    return confirmed() | {
        "documents": documents(),
        "status": "confirmed",
        "rule": "Free to move or cancel until Wed 2 Dec, 10:00 Berlin time.",
        "reschedule_url": "/manage/token/move/",
        "cancel_url": "/manage/token/cancel/",
        "contact_url": "",
        "refund": "",
        "book_again_url": "",
    }


def cancel() -> dict[str, Any]:
    refund = {
        "paid": PRICE,
        "amount": Money(4000, "EUR"),
        "kept": Money(4000, "EUR"),
        "to": "the card",
        "rule": "Late.",
    }
    return manage() | {"form": CancelForm(), "refund": refund}


def reschedule() -> dict[str, Any]:
    moving = {"slot_method": "get", "manage_url": "/manage/token/", "chosen_starts_at": None, "form": MoveForm()}
    return booker() | moving


def session(state: str = "ready") -> dict[str, Any]:
    join = {
        "state": state,
        "url": "https://discord.example/",
        "place": "discord",
        "opens_at": STARTS - timedelta(hours=2),
        "closes_at": ENDS + timedelta(hours=1),
        "problem": "We try again every minute.",
        "backup_url": "https://video.example/backup/",
    }
    return manage() | {"join": join, "starts_in": "in 3 hours", "goals": "Decide.", "discord": discord("checking")}


def directory() -> dict[str, Any]:
    cards = [coach(), coach(next_at=None, book_url="", rating=None, is_verified=False, from_price=None)]
    return {"form": FilterForm({}), "coaches": cards, "count": 2, "clear_url": "/coaches/", "page": None}


def coach_page() -> dict[str, Any]:
    offers = [offer(), offer(book_url="", blocked="No free times.", price=None, venue="video")]
    return {
        "coach": coach(),
        "offers": offers,
        "to_buy": [offer(length=None)],
        "policy": POLICY,
        "paused": "",
        "book_url": "/book/ilse/",
    }


def no_time() -> dict[str, Any]:
    return who_and_what() | {"length": None, "offer": offer(venue="", length=None), "offer_url": "/ilse/workbook/"}


def buy(owned_url: str = "", *, can_be_paid: bool = True) -> dict[str, Any]:
    return no_time() | {
        "form": BuyerForm({"email": "sam@"}),
        "description": "Forty positions.",
        "policy": POLICY,
        "submit_text": "Continue to payment · €80",
        "owned_url": owned_url,
        "can_be_paid": can_be_paid,
        "is_signed_in": bool(owned_url),
    }


def buy_checkout() -> dict[str, Any]:
    return no_time() | {
        "form": PurchaseTermsForm({}, ways=[("card", "Card"), ("method-1", "Bank transfer, to be paid by Tue 3 Mar")]),
        "order": ORDER,
        "can_be_paid": True,
        "policy": POLICY,
        "failure": "Your bank declined the card.",
        "name": "Sam",
        "email": "sam@example.org",
        "is_over": False,
        "pay_until": ENDS,
    }


def purchase() -> dict[str, Any]:
    content = {
        "texts": ["Read this first."],
        "links": ["https://example.org/video"],
        "files": [{"name": "workbook.pdf", "bytes": 68, "url": "/purchase/key/files/one/"}],
    }
    return no_time() | {
        "state": "ready",
        "ref": "GR-7K2M",
        "email": "sam@example.org",
        "order": ORDER,
        "documents": documents(),
        "content": content,
        "checkout_url": "/checkout/GR-7K2M/",
    }


def library() -> dict[str, Any]:
    rows = [{"title": "Workbook", "coach_name": "Ilse", "since": STARTS, "url": "/purchase/GR-7K2M/"}]
    return {"rows": rows, "page": SimpleNamespace(has_other_pages=False)}


PAGES: dict[str, Callable[[], dict[str, Any]]] = {
    "public/home.html": directory,
    "public/directory.html": directory,
    "public/coach.html": coach_page,
    "public/book.html": booker,
    "public/booker.html": booker,
    "public/zones.html": lambda: booker() | {"next_path": "/book/ilse/?date=2026-12-03"},
    "public/details.html": details,
    "public/checkout.html": checkout,
    "public/by_hand.html": by_hand,
    "public/confirmed.html": confirmed,
    "public/buy.html": buy,
    "public/buy_checkout.html": buy_checkout,
    "student/purchase.html": purchase,
    "student/library.html": library,
    "student/manage.html": manage,
    "student/cancel.html": cancel,
    "student/reschedule.html": reschedule,
    "student/ask.html": lambda: who_and_what() | {"form": AskForm({}), "manage_url": "/manage/key/"},
    "student/session.html": session,
    "student/receipt.html": receipt,
    "student/purchases.html": purchases,
    "student/lost_link.html": lambda: {"form": EmailForm({"email": "x"}), "sent": False},
}
