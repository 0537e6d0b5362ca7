"""What the API takes and gives."""

from typing import Annotated, Literal

from ninja import Schema
from pydantic import ConfigDict, Field, StrictInt

from greenroom.api.inputs import Day, Email, Instant, Moment, Name, Text, Word, Zone


class Strict(Schema):
    """A request body: unknown fields are refused, so that a misspelt one is not lost in silence."""

    model_config = ConfigDict(extra="forbid")


class DurationOut(Schema):
    """One length and its price; where that depends on the topic, also the price of each."""

    minutes: int
    price_minor: int
    price_by_topic: dict[str, int]


class OfferOut(Schema):
    """An offer as visitors see it; `duration` is its first length, `topic` what it is about, or "".

    One of another kind than `call` needs no time: it has no lengths, and is bought at `buy_url`.
    """

    kind: str
    slug: str
    title: str
    summary: str
    description: str
    venue: str
    discord: str
    currency: str
    topic: str
    price_minor: int
    buy_url: str | None
    duration: int | None
    durations: list[DurationOut]
    questions: list["QuestionOut"]


class QuestionOut(Schema):
    """A question asked at booking."""

    key: str
    label: str
    kind: str
    is_required: bool
    options: list[str]


class CoachOut(Schema):
    """A coach as visitors see them."""

    slug: str
    name: str
    headline: str
    bio: str
    topics: list[str]
    languages: str
    is_verified: bool


class NextSlotOut(Schema):
    """The first time somebody could be booked."""

    starts_at: str
    offer: str


class CoachCardOut(CoachOut):
    """A coach in the directory."""

    price_from_minor: int | None
    currency: str | None
    next_slot: NextSlotOut | None


class SearchIn(Schema):
    """What is searched for. Plain dates are whole days in `tz`, both included; instants are taken as they are."""

    q: Word = ""
    topic: Word = ""
    max_price: int | None = Field(None, ge=0, le=1_000_000, description="In whole units of the offer's currency.")
    min_rating: float = Field(0, ge=0, le=5)
    experience: Word = ""
    free_from: Moment | None = None
    free_until: Moment | None = None
    tz: Zone = "UTC"
    page: int = Field(1, ge=1, le=100_000)


class CoachPageOut(Schema):
    """One page of the directory."""

    items: list[CoachCardOut]
    count: int
    page: int


class OfferPageOut(Schema):
    """A coach's offers."""

    items: list[OfferOut]
    count: int
    page: int


class SlotsIn(Schema):
    """Which days are asked for: both dates are included and are dates in `tz`."""

    first: Day = Field(alias="from")
    last: Day = Field(alias="to")
    tz: Zone = "UTC"
    duration: int | None = None


class SlotOut(Schema):
    """One bookable start."""

    starts_at: str
    ends_at: str
    seats_left: int


class DayOut(Schema):
    """The bookable starts of one date in the asked zone."""

    date: str
    slots: list[SlotOut]


class SlotsOut(Schema):
    """The days that have bookable starts."""

    tz: str
    days: list[DayOut]


class ExplainIn(Strict):
    """Which start, and for how many minutes (the offer's first length unless told)."""

    at: Instant
    duration: int | None = None


class ReasonOut(Schema):
    """One rule that refuses a time, and the time and session in its way, if it is that."""

    code: str
    sentence: str
    starts_at: str | None
    ends_at: str | None
    session: str | None


class ExplanationOut(Schema):
    """Why a time can or cannot be booked. Sentences give times of `tz`; `openings` are the hours that allow it."""

    starts_at: str
    tz: str
    is_offered: bool
    reasons: list[ReasonOut]
    openings: list[str]
    nearest: list[str]


class BookingIn(Strict):
    """A wanted session."""

    coach: Word
    offer: Word
    starts_at: Instant
    name: Name
    email: Email
    duration: StrictInt | None = None
    topic: Word = ""
    tz: Zone = "UTC"
    answers: dict[Word, Text] = Field(default_factory=dict, max_length=50)
    goals: Text = ""
    notes: Text = ""


class BookingHeldOut(Schema):
    """A time that is kept until `hold_expires_at`."""

    ref: str
    status: str
    hold_expires_at: str
    checkout_url: str
    manage_url: str


class BookingOut(Schema):
    """A booking as its student or coach sees it."""

    ref: str
    status: str
    legacy_status: str
    coach: str
    offer: str
    starts_at: str
    ends_at: str
    tz: str
    hold_expires_at: str | None
    total_minor: int
    currency: str
    session: str


class BookingsIn(Schema):
    """Which page of the caller's bookings. `userId` may only repeat who that is: a number, or a coach's slug."""

    user_id: Annotated[Word, Field(alias="userId")] = ""
    page: int = Field(1, ge=1, le=100_000)


class BookingPageOut(Schema):
    """Bookings, the latest session first."""

    items: list[BookingOut]
    count: int
    page: int


class PaymentOut(Schema):
    """Where to pay; no address when nothing is left to pay."""

    status: str
    pay_url: str | None


class PayIn(Strict):
    """How to pay: "card", or "method-" and the number of a method by hand; without it the first that there is."""

    method: Annotated[Text, Field(max_length=20)] = ""


class CancelIn(Strict):
    """Why, if somebody wants to say so."""

    reason: Annotated[Text, Field(max_length=300)] = ""


class RefundOut(Schema):
    """What goes back."""

    amount_minor: int
    currency: str
    to: Literal["original_payment"]


class CancelOut(Schema):
    """What cancelling came to."""

    status: str
    refund: RefundOut


class RescheduleIn(Strict):
    """The other time, and why, if somebody wants to say so."""

    starts_at: Instant
    reason: Annotated[Text, Field(max_length=300)] = ""
