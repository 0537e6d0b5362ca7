"""`greenroom setup`: the first admin, coach and offer, or a clear refusal and nothing made."""

import io
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from tests.factories.bookings import make_coach

from greenroom.accounts.models import User
from greenroom.availability.models import WeeklyWindow
from greenroom.catalog.models import Offer
from greenroom.catalog.types import DiscordRequirement, OfferStatus, Venue
from greenroom.coaches.models import Coach
from greenroom.config.setup import FirstSteps, set_up
from greenroom.core.errors import InvalidInputError
from greenroom.core.money import Money

GOOD = {"email": "Ilse@Example.org", "name": "Ilse Marchetti", "slug": "ilse-marchetti"}

pytestmark = pytest.mark.django_db


def run(**options: str) -> str:
    out = io.StringIO()
    given = [f"--{name.replace('_', '-')}={value}" for name, value in (GOOD | options).items()]
    call_command("setup", "--no-input", *given, stdout=out)
    return out.getvalue()


def test_defaults_make_an_admin_who_coaches_on_weekdays(client: Client) -> None:
    said = run()

    user, coach, offer = User.objects.get(), Coach.objects.get(), Offer.objects.get()
    assert said == "“Coaching session” for €80 can be booked at /ilse-marchetti/\n"
    assert (user.email, user.is_staff, user.is_superuser) == ("ilse@example.org", True, True)
    assert not user.has_usable_password()
    assert (coach.user, coach.display_name, coach.is_bookable) == (user, "Ilse Marchetti", True)
    assert list(WeeklyWindow.objects.values_list("weekday", "start_minute", "end_minute")) == [
        (weekday, 540, 1020) for weekday in range(1, 6)
    ]
    assert (offer.status, offer.venue, offer.discord_requirement) == (
        OfferStatus.PUBLISHED,
        Venue.DISCORD,
        DiscordRequirement.BEFORE_JOIN,
    )
    assert client.get("/book/ilse-marchetti/").status_code == 200
    assert client.get("/coaches/").context["count"] == 1


def test_options_decide_the_offer() -> None:
    run(
        tz="Asia/Tokyo",
        offer="Talk",
        minutes="45",
        price="7000",
        currency="JPY",
        video_url="https://meet.example.org/i",
    )

    offer = Offer.objects.get()
    assert (offer.title, offer.currency, offer.venue) == ("Talk", "JPY", Venue.VIDEO)
    assert (offer.video_url, offer.discord_requirement) == (
        "https://meet.example.org/i",
        DiscordRequirement.NOT_REQUIRED,
    )
    assert offer.durations.values_list("minutes", "price_minor").get() == (45, 7000)
    assert User.objects.get().time_zone == "Asia/Tokyo"


def test_free_offer_can_be_set_up() -> None:
    run(price="0")

    assert Offer.objects.get().durations.get().price_minor == 0


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("email", "ilse"),
        ("email", "a@b.org\nBcc: c@d.org"),
        ("email", ""),
        ("name", ""),
        ("name", "x" * 81),
        ("slug", ""),
        ("slug", "Ilse"),
        ("slug", "ilse marchetti"),
        ("slug", "-ilse"),
        ("slug", "../etc"),
        ("slug", "x" * 61),
        ("slug", "admin"),
        ("slug", "book"),
        ("slug", "sandbox"),
        ("slug", "static"),
        ("tz", "Mars/Olympus"),
        ("tz", "../x"),
        ("offer", "x" * 81),
        ("minutes", "0"),
        ("minutes", "4"),
        ("minutes", "1441"),
        ("minutes", "-60"),
        ("minutes", "1.5"),
        ("minutes", "9" * 5000),
        ("minutes", "²"),
        ("price", "-1"),
        ("price", "1e3"),
        ("price", "9999999"),
        ("price", "9" * 5000),
        ("currency", "XXXX"),
        ("currency", "eur o"),
        ("video-url", "javascript:alert(1)"),
        ("video-url", "meet"),
    ],
)
def test_bad_value_is_named_and_makes_nothing(option: str, value: str) -> None:
    with pytest.raises(CommandError) as refused:
        run(**{option.replace("-", "_"): value})

    assert option in str(refused.value)
    assert refused.value.returncode == 2
    assert (User.objects.count(), Coach.objects.count(), Offer.objects.count()) == (0, 0, 0)


@pytest.mark.parametrize("missing", ["email", "name", "slug"])
def test_missing_answer_is_named(missing: str) -> None:
    given = [f"--{name}={value}" for name, value in GOOD.items() if name != missing]

    with pytest.raises(CommandError, match=f"--{missing}: .* is needed"):
        call_command("setup", "--no-input", *given)

    assert User.objects.count() == 0


def test_second_run_is_refused_and_changes_nothing() -> None:
    run()
    before = (list(User.objects.values()), list(Coach.objects.values()), list(Offer.objects.values()))

    with pytest.raises(CommandError, match="email: There is already an account with this address"):
        run(email="ILSE@example.org", slug="other")

    assert (list(User.objects.values()), list(Coach.objects.values()), list(Offer.objects.values())) == before


def test_slug_of_another_coach_is_refused() -> None:
    make_coach("ilse-marchetti")

    with pytest.raises(CommandError, match="slug: "):
        run()

    assert (User.objects.count(), Coach.objects.count()) == (1, 1)


@pytest.mark.parametrize(
    ("password", "is_good"), [("short", False), ("password123", False), ("a long new phrase", True)]
)
def test_password_is_as_good_as_the_site_asks_of_others(password: str, is_good: bool) -> None:  # noqa: FBT001 -- a table
    first = FirstSteps("i@example.org", "Ilse", password, "ilse", "UTC", "Talk", 60, Money(1, "EUR"), "")

    if is_good:
        set_up(first)
        assert User.objects.get().check_password(password)
        return
    with pytest.raises(InvalidInputError) as refused:
        set_up(first)
    assert (refused.value.field, User.objects.count()) == ("password", 0)


def test_person_at_a_terminal_is_asked(monkeypatch: Any) -> None:
    answers = iter(["ilse@example.org", "Ilse", "ilse", "", "", "30", "", "", ""])
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _question: next(answers))
    monkeypatch.setattr("greenroom.config.management.commands.setup.getpass", lambda _question: "a long new phrase")

    call_command("setup", stdout=io.StringIO())

    assert User.objects.get().check_password("a long new phrase")
    assert Offer.objects.get().durations.values_list("minutes", "price_minor").get() == (30, 8000)
