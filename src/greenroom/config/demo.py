"""The demo's people and offers: enough to walk the whole journey, made once.

The first coach and her first offer are what tests from outside rely on: a paid 1:1 call of at most an hour in a
Discord room, open day and night, without notice or required questions.
"""

from dataclasses import dataclass, field

from django.core.files.base import ContentFile
from django.db import transaction

from greenroom.accounts.models import DiscordIdentity, User
from greenroom.availability.models import Schedule, WeeklyWindow
from greenroom.catalog.models import Download, IntakeQuestion, Offer, OfferDuration, OfferFile, Rate, RefundTierRow
from greenroom.catalog.types import DiscordRequirement, OfferKind, OfferStatus, QuestionKind, Venue
from greenroom.coaches.models import Coach, Topic
from greenroom.coaches.types import CoachStatus
from greenroom.core import clock
from greenroom.integrations.discord.sandbox.services.guild import ensure_guild, sample_user_id

PASSWORD = "greenroom demo"  # noqa: S105 -- printed on the sandbox page; the demo is reachable from this machine only
ADMIN_EMAIL = "admin@greenroom.example"
STUDENT_EMAIL = "sam@greenroom.example"
_MIDNIGHT = 24 * 60
_EVERY_DAY = range(1, 8)
_WORKDAYS = range(1, 6)


@dataclass(frozen=True, slots=True)
class DemoOffer:
    """An offer as the demo makes it; `durations` are minutes and price in minor units, None for the coach's rates."""

    slug: str
    title: str
    summary: str
    durations: tuple[tuple[int, int | None], ...]
    values: dict[str, object] = field(default_factory=dict)
    questions: tuple[tuple[str, str, QuestionKind, bool], ...] = ()
    refund_tiers: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class DemoDownload:
    """A download as the demo makes it, with one file of text."""

    slug: str
    title: str
    summary: str
    description: str
    price_minor: int
    text: str
    file: tuple[str, str]


@dataclass(frozen=True, slots=True)
class DemoCoach:
    """A coach as the demo makes them; `hours` are weekdays with windows in minutes of the day.

    `rates` are what an hour costs in minor units of `currency`, by topic; "" is any other.
    """

    slug: str
    name: str
    tz: str
    headline: str
    bio: str
    topics: tuple[str, ...]
    languages: str
    hours: tuple[tuple[range, tuple[tuple[int, int], ...]], ...]
    offers: tuple[DemoOffer, ...]
    discord_username: str = ""
    currency: str = "EUR"
    rates: tuple[tuple[str, int], ...] = ()
    downloads: tuple[DemoDownload, ...] = ()


COACHES = (
    DemoCoach(
        slug="maya-lindqvist",
        name="Maya Lindqvist",
        tz="Europe/Berlin",
        headline="Chess for people who are stuck at 1600",
        bio=(
            "I have coached club players for eleven years. You bring your own games; we find the two habits that cost "
            "you most, and you leave with a plan for the next four weeks."
        ),
        topics=("Chess", "Game strategy"),
        languages="English, German, Swedish",
        hours=((_EVERY_DAY, ((0, _MIDNIGHT),)),),
        discord_username="maya.coach",
        downloads=(
            DemoDownload(
                "endgame-workbook",
                "Endgame workbook",
                "Forty positions that club players get wrong, with the ideas behind them.",
                "Work on one position a day: set it up, write down your plan, then read the answer. Forty days, and "
                "the endings of your games look different.",
                1900,
                "Set up the position before you read on. Ten minutes each are enough.",
                ("endgame-workbook.txt", "Position 1. White: Kd5, e4. Black: Ke7. White to move: draw or win?\n"),
            ),
        ),
        offers=(
            DemoOffer(
                "game-review",
                "Game review",
                "One focused hour on your last three games. You bring the losses, we leave with a plan.",
                ((60, 8000), (30, 4500)),
            ),
            DemoOffer(
                "opening-clinic",
                "Opening clinic",
                "Ninety minutes to build one opening you can trust, for White or Black.",
                ((90, 11000),),
                {
                    "discord_requirement": DiscordRequirement.BEFORE_PAYMENT,
                    "notice_minutes": 12 * 60,
                    "buffer_after_minutes": 15,
                    "position": 1,
                },
                (
                    ("rating", "What is your rating, and where?", QuestionKind.SHORT_TEXT, True),
                    ("colour", "Which colour do you want to prepare?", QuestionKind.CHOICE, True),
                ),
                ((48, 100), (24, 50)),
            ),
        ),
    ),
    DemoCoach(
        slug="tomas-rivera",
        name="Tomás Rivera",
        tz="America/New_York",
        headline="Guitar lessons that begin with a song you love",
        bio="Session guitarist, teacher for fifteen years. Acoustic, electric, and the theory you need, no more.",
        topics=("Guitar", "Music"),
        languages="English, Spanish",
        hours=((_WORKDAYS, ((9 * 60, 12 * 60), (14 * 60, 19 * 60))), (range(6, 7), ((10 * 60, 14 * 60),))),
        offers=(
            DemoOffer(
                "guitar-lesson",
                "Guitar lesson",
                "A lesson by video: one song, one technique, one thing to practise.",
                ((45, 6000), (60, 7500)),
                {
                    "currency": "USD",
                    "venue": Venue.VIDEO,
                    "video_url": "https://meet.jit.si/greenroom-tomas-rivera",
                    "discord_requirement": DiscordRequirement.NOT_REQUIRED,
                    "notice_minutes": 120,
                    "buffer_before_minutes": 5,
                    "buffer_after_minutes": 10,
                },
                (("song", "Which song would you like to play?", QuestionKind.SHORT_TEXT, False),),
            ),
            DemoOffer(
                "song-circle",
                "Song circle",
                "Ninety minutes in a small group: everybody brings a song, and we play them together.",
                ((90, 2500),),
                {
                    "currency": "USD",
                    "venue": Venue.VIDEO,
                    "video_url": "https://meet.jit.si/greenroom-tomas-circle",
                    "discord_requirement": DiscordRequirement.NOT_REQUIRED,
                    "notice_minutes": 24 * 60,
                    "capacity": 6,
                    "min_seats": 3,
                    "increment_minutes": 60,
                    "position": 2,
                },
            ),
            DemoOffer(
                "first-meeting",
                "First meeting",
                "Fifteen minutes to see whether we fit. Free.",
                ((15, 0),),
                {
                    "currency": "USD",
                    "venue": Venue.VIDEO,
                    "video_url": "https://meet.jit.si/greenroom-tomas-rivera",
                    "discord_requirement": DiscordRequirement.NOT_REQUIRED,
                    "increment_minutes": 15,
                    "position": 1,
                },
            ),
        ),
    ),
    DemoCoach(
        slug="noah-tanaka",
        name="Noah Tanaka",
        tz="Asia/Tokyo",
        headline="Japanese for your first year in Tokyo",
        bio="I prepare people for work and daily life in Japan: the phrases you really need, and when not to use them.",
        topics=("Japanese", "Languages"),
        languages="English, Japanese",
        hours=((_WORKDAYS, ((18 * 60, 23 * 60),)), (range(6, 8), ((9 * 60, 13 * 60),))),
        discord_username="noah.coach",
        currency="JPY",
        rates=(("", 6000), ("Japanese", 7200)),
        offers=(
            DemoOffer(
                "conversation",
                "Conversation hour",
                "An hour of guided conversation, with notes afterwards.",
                ((60, 7000), (30, 4000)),
                {
                    "currency": "JPY",
                    "discord_requirement": DiscordRequirement.BEFORE_BOOKING,
                    "notice_minutes": 24 * 60,
                    "daily_limit": 4,
                },
                (("level", "Where are you now?", QuestionKind.LONG_TEXT, True),),
            ),
            DemoOffer(
                "trial-lesson",
                "Trial lesson",
                "Half an hour to find out whether we fit. I answer each request myself.",
                ((30, 3000),),
                {
                    "currency": "JPY",
                    "notice_minutes": 24 * 60,
                    "approval_hours": 24,
                    "moves_limit": 1,
                    "move_notice_hours": 24,
                    "position": 1,
                },
            ),
            DemoOffer(
                "study-hour",
                "Study hour",
                "Bring your own question: homework, a letter, an interview. Priced by the hour.",
                ((60, None), (45, None)),
                {"currency": "JPY", "notice_minutes": 24 * 60, "position": 2},
            ),
        ),
    ),
)
_CHOICES = {"colour": ["White", "Black"]}


def ensure_demo() -> bool:
    """Fill an empty installation; one that has a user is left alone. Returns whether anything was made."""
    with transaction.atomic():
        if User.objects.exists():
            return False
        User.objects.create_superuser(ADMIN_EMAIL, PASSWORD, name="Greenroom Admin", time_zone="Europe/Berlin")
        User.objects.create_user(STUDENT_EMAIL, PASSWORD, name="Sam Okafor", time_zone="Europe/London")
        for coach in COACHES:
            _make_coach(coach)
    ensure_guild()
    return True


def _make_coach(demo: DemoCoach) -> None:
    user = User.objects.create_user(
        f"{demo.slug.partition('-')[0]}@greenroom.example", PASSWORD, name=demo.name, time_zone=demo.tz
    )
    coach = Coach.objects.create(
        user=user,
        slug=demo.slug,
        display_name=demo.name,
        headline=demo.headline,
        bio=demo.bio,
        languages=demo.languages,
        status=CoachStatus.APPROVED,
        is_verified=True,
    )
    for name in demo.topics:
        topic, _made = Topic.objects.get_or_create(slug=name.lower().replace(" ", "-"), defaults={"name": name})
        coach.topics.add(topic)
    for name, minor in demo.rates:
        about = Topic.objects.get(name=name) if name else None
        Rate.objects.create(coach=coach, topic=about, per_hour_minor=minor, currency=demo.currency)
    schedule = Schedule.objects.create(coach=coach, tz=demo.tz)
    WeeklyWindow.objects.bulk_create(
        WeeklyWindow(schedule=schedule, weekday=weekday, start_minute=start, end_minute=end)
        for weekdays, windows in demo.hours
        for weekday in weekdays
        for start, end in windows
    )
    if demo.discord_username:
        DiscordIdentity.objects.create(
            discord_user_id=str(sample_user_id(demo.discord_username)), username=demo.discord_username, user=user
        )
    for offer in demo.offers:
        _make_offer(coach, offer)
    for download in demo.downloads:
        _make_download(coach, download)


def _make_offer(coach: Coach, demo: DemoOffer) -> None:
    offer = Offer.objects.create(
        coach=coach,
        slug=demo.slug,
        title=demo.title,
        summary=demo.summary,
        status=OfferStatus.PUBLISHED,
        **demo.values,
    )
    for position, (minutes, price_minor) in enumerate(demo.durations):
        OfferDuration.objects.create(offer=offer, minutes=minutes, price_minor=price_minor, position=position)
    for position, (key, label, kind, is_required) in enumerate(demo.questions):
        IntakeQuestion.objects.create(
            offer=offer,
            key=key,
            label=label,
            kind=kind,
            is_required=is_required,
            options=_CHOICES.get(key, []),
            position=position,
        )
    for notice_hours, percent in demo.refund_tiers:
        RefundTierRow.objects.create(offer=offer, notice_hours=notice_hours, percent=percent)


def _make_download(coach: Coach, demo: DemoDownload) -> None:
    offer = Offer.objects.create(
        coach=coach,
        kind=OfferKind.DOWNLOAD,
        slug=demo.slug,
        title=demo.title,
        summary=demo.summary,
        description=demo.description,
        status=OfferStatus.PUBLISHED,
        price_minor=demo.price_minor,
        discord_requirement=DiscordRequirement.NOT_REQUIRED,
        position=coach.offers.count(),
    )
    Download.objects.create(offer=offer, text=demo.text)
    name, text = demo.file
    content = ContentFile(text.encode())
    file = OfferFile(offer=offer, name=name, size_bytes=content.size, added_at=clock.now())
    file.content.save("", content)
