"""Reading offers: what the public may see, their prices, their policy."""

from collections.abc import Iterable, Mapping
from datetime import timedelta

from django.db.models import BigIntegerField, Exists, OuterRef, Prefetch, Q, QuerySet
from django.db.models.functions import Cast, Coalesce

from greenroom.accounts.models import User
from greenroom.catalog.errors import NoPriceError
from greenroom.catalog.models import Download, Offer, OfferDuration, Rate
from greenroom.catalog.rules import HourlyRate, Price, PriceTerms, find_price
from greenroom.catalog.types import DEFAULT_REFUND_TIERS, OfferKind, OfferStatus, QuestionKind, RefundTier
from greenroom.coaches.models import Coach, Topic
from greenroom.coaches.types import CoachStatus
from greenroom.core.currencies import step_minor
from greenroom.core.errors import InvalidInputError, NotFoundError
from greenroom.core.ids import NUMBERS_END
from greenroom.core.money import Money


def public_offers() -> QuerySet[Offer]:
    """Return the published calls of public coaches, with their durations, in the coach's order."""
    return with_prices(_on_sale().filter(durations__isnull=False).distinct().select_related("schedule"))


def _on_sale() -> QuerySet[Offer]:
    return Offer.objects.filter(kind=OfferKind.CALL, status=OfferStatus.PUBLISHED, coach__status=CoachStatus.APPROVED)


def with_prices(offers: QuerySet[Offer]) -> QuerySet[Offer]:
    """Load what the prices of offers are found from; three queries in all."""
    rates = Prefetch("coach__rates", Rate.objects.select_related("topic"))
    return offers.select_related("coach", "topic").prefetch_related("durations", rates)


def get_public_offer(coach_slug: str, offer_slug: str) -> Offer:
    """Return one published offer that is booked for a time.

    Raises: InvalidInputError for one that is bought without a time, NotFoundError.
    """
    offer = public_offers().filter(coach__slug=coach_slug, slug=offer_slug).first()
    if offer is not None and not missing_prices(offer):
        return offer
    if offers_to_buy().filter(coach__slug=coach_slug, slug=offer_slug).exists():
        message = "This offer has no times: it is bought on its own page, and there is nothing to book."
        raise InvalidInputError(message, field="offer")
    raise NotFoundError("There is no such offer.")


def offers_to_buy() -> QuerySet[Offer]:
    """Return the published offers of public coaches that need no time, with what they cost, in the coach's order."""
    offers = Offer.objects.filter(
        kind=OfferKind.DOWNLOAD,
        status=OfferStatus.PUBLISHED,
        coach__status=CoachStatus.APPROVED,
        download__isnull=False,
    )
    return offers.select_related("coach", "download")


def get_public_offer_by_number(number: int) -> Offer:
    """Return one published offer of a public coach by its number, booked for a time or not. Raises: NotFoundError."""
    if number < NUMBERS_END:
        for offers in (public_offers(), offers_to_buy()):
            offer = offers.filter(pk=number).first()
            if offer is not None and not missing_prices(offer):
                return offer
    raise NotFoundError("There is no such offer.")


def is_without_time(coach_slug: str, offer_slug: str) -> bool:
    """Tell whether an offer is one that needs no time, for sale or not."""
    return Offer.objects.filter(coach__slug=coach_slug, slug=offer_slug).exclude(kind=OfferKind.CALL).exists()


def find_offer_to_buy(offer_id: int) -> Offer | None:
    """Return one of `offers_to_buy`, if it is one."""
    return offers_to_buy().filter(pk=offer_id).first()


def price_to_buy(offer: Offer) -> Money:
    """Return what an offer that needs no time costs."""
    return Money(offer.price_minor or 0, offer.currency)


def find_download(offer_id: int) -> Download | None:
    """Return what a download gives, with its files; for sale or not."""
    return Download.objects.filter(offer_id=offer_id).prefetch_related("offer__files").first()


def find_duration(offer: Offer, minutes: int | None) -> OfferDuration:
    """Return the asked length of an offer, or its first when none is asked.

    Raises: InvalidInputError naming `duration` and the lengths there are.
    """
    durations = list(offer.durations.all())
    if minutes is None:
        return durations[0]
    for duration in durations:
        if duration.minutes == minutes:
            return duration
    lengths = ", ".join(str(duration.minutes) for duration in durations)
    raise InvalidInputError(f"This can be booked for {lengths} minutes.", field="duration")


def get_offer(coach_slug: str, offer_slug: str, *, for_user: User | None = None) -> Offer:
    """Return an offer that has a length, published or not: to its coach and the site's staff, or to our own commands.

    Raises: NotFoundError for everybody else and for what is not there alike.
    """
    offers = Offer.objects.filter(kind=OfferKind.CALL, coach__slug=coach_slug, slug=offer_slug, durations__isnull=False)
    if for_user is not None and not for_user.is_staff:
        offers = offers.filter(coach__user=for_user)
    offer = offers.select_related("coach", "schedule").prefetch_related("durations").first()
    if offer is None:
        raise NotFoundError("There is no such offer.")
    return offer


def price_of(offer: Offer, duration: OfferDuration | None = None, topic: Topic | None = None) -> Price:
    """Return what one length of an offer costs, or the whole of one that has no length.

    `topic` is what its student chose, None for nothing special; what the offer itself is about comes before it.
    No query for what `with_prices` loaded.
    Raises: NoPriceError, which no published offer does unless somebody changed it in the admin.
    """
    about = offer.topic or topic or usual_topic(offer)
    rates = {rate.topic: _hourly_rate(rate) for rate in offer.coach.rates.all()}
    return find_price(
        PriceTerms(
            currency=offer.currency,
            offer_minor=offer.price_minor,
            length_minor=duration.price_minor if duration else None,
            minutes=duration.minutes if duration else None,
            topic_rate=rates.get(about) if about else None,
            hourly_rate=rates.get(None),
        )
    )


def _hourly_rate(rate: Rate) -> HourlyRate:
    return HourlyRate(rate.per_hour, rate.topic.name if rate.topic else "")


def topics_of(offer: Offer) -> tuple[Topic | None, ...]:
    """Return what a session can be about as far as its price depends on it, by name; None, the last, is anything else.

    One alone where nothing is to be chosen. No query for what `with_prices` loaded.
    """
    if offer.topic is not None or not _takes_rates(offer):
        return (offer.topic,)
    topics = {rate.topic for rate in offer.coach.rates.all()} or {None}
    return tuple(sorted(topics, key=lambda topic: (topic is None, topic.name if topic else "")))


def usual_topic(offer: Offer) -> Topic | None:
    """Return what a session is about when nobody chose: nothing special, or the first topic where all have a rate."""
    topics = topics_of(offer)
    return None if None in topics else topics[0]


def offers_by_rates(coach: Coach) -> list[Offer]:
    """Return the coach's offers that take the price of some length from a rate, or would if there was one."""
    offers = with_prices(Offer.objects.filter(coach=coach).exclude(status=OfferStatus.ARCHIVED))
    return [offer for offer in offers if _takes_rates(offer)]


def _takes_rates(offer: Offer) -> bool:
    return offer.price_minor is None and any(one.price_minor is None for one in offer.durations.all())


def find_topic(offer: Offer, slug: str) -> Topic | None:
    """Return the topic of that name among those a student of this offer can choose; None when none was named.

    Raises: InvalidInputError naming `topic` and what there is.
    """
    topics = {topic.slug: topic for topic in topics_of(offer) if topic is not None}
    if slug and slug not in topics:
        there = f"Choose one of: {', '.join(topics)}" if topics else "The price of this offer depends on no topic"
        raise InvalidInputError(f"{there}.", field="topic")
    return topics.get(slug)


def priced(offers: Iterable[Offer]) -> list[Offer]:
    """Return the offers of which every length has a price: a published one lacks it only after a change in the admin.

    No query for those of `public_offers`.
    """
    return [offer for offer in offers if not missing_prices(offer)]


def missing_prices(offer: Offer) -> dict[int, str]:
    """Say which lengths of an offer, by their place from 0, have no price for some topic, and what to do."""
    missing = {}
    for index, duration in enumerate(offer.durations.all()):
        for topic in topics_of(offer):
            try:
                price_of(offer, duration, topic)
            except NoPriceError as error:
                missing[index] = f"{duration.minutes} minutes: {error.message}"
    return missing


def prices_from(offer: Offer) -> list[Money]:
    """Return every price at which an offer can be had. Raises: NoPriceError."""
    return [price_of(offer, duration, topic).amount for duration in offer.durations.all() for topic in topics_of(offer)]


def offers_up_to(max_price: int) -> QuerySet[Offer]:
    """Return the public offers that can be had for at most so many whole units of their own currency, or for nothing.

    The database's wording of `rules.find_price` and `price_to_buy`, for search over every coach; tests hold them
    together. A price reckoned by the hour is at most a whole number of steps when it is below half a step more
    before it is rounded.
    """
    to_buy = Q(pk__in=offers_to_buy().values("pk"))
    offers = Offer.objects.filter(Q(pk__in=_on_sale().values("pk")) | to_buy)
    fits = Q(pk__in=[])
    for currency in offers.order_by().values_list("currency", flat=True).distinct():
        limit = max_price * 10 ** Money(0, currency).exponent
        fits |= Q(pk__in=_lengths_up_to(limit, currency).values("offer_id"))
        fits |= to_buy & Q(currency=currency) & (Q(price_minor=None) | Q(price_minor__lte=limit))
    return offers.filter(fits)


def _lengths_up_to(limit: int, currency: str) -> QuerySet[OfferDuration]:
    rates = Rate.objects.filter(coach=OuterRef("offer__coach"))
    doubled = 2 * Cast("per_hour_minor", BigIntegerField()) * Cast(OuterRef("minutes"), BigIntegerField())
    cheap = rates.filter(currency=currency).annotate(doubled=doubled)
    cheap = cheap.filter(doubled__lt=(2 * limit + step_minor(currency)) * 60)
    of_topic = Q(topic=OuterRef("offer__topic"))
    by_rate = (
        Q(Exists(cheap.filter(of_topic)))
        | Q(Exists(cheap.filter(topic=None)), ~Exists(rates.filter(of_topic)))
        | Q(Exists(cheap), offer__topic=None)
    )
    lengths = OfferDuration.objects.filter(offer__currency=currency)
    lengths = lengths.annotate(written=Coalesce("price_minor", "offer__price_minor"))
    return lengths.filter(Q(written__lte=limit) | Q(by_rate, written=None))


def refund_tiers(offer: Offer) -> tuple[RefundTier, ...]:
    """Return the cancellation policy of an offer, the longest notice first."""
    rows = offer.refund_tiers.all()
    return tuple(RefundTier(timedelta(hours=row.notice_hours), row.percent) for row in rows) or DEFAULT_REFUND_TIERS


def answer_snapshot(offer: Offer, answers: Mapping[str, str]) -> list[dict[str, str]]:
    """Return the texts of the offer's questions with the given answers, in order, as they are kept on a booking.

    Questions without an answer are left out. Raises: InvalidInputError naming `answers.<key>` for an unknown
    key, a missing required answer, or a choice that is not offered.
    """
    questions = {question.key: question for question in offer.questions.all()}
    unknown = sorted(set(answers) - set(questions))
    if unknown:
        raise InvalidInputError("There is no such question.", field=f"answers.{unknown[0]}")
    snapshot = []
    for key, question in questions.items():
        answer = answers.get(key, "").strip()
        if question.is_required and not answer:
            raise InvalidInputError(f"Please answer: {question.label}", field=f"answers.{key}")
        if answer and question.kind == QuestionKind.CHOICE and answer not in question.options:
            raise InvalidInputError(f"Choose one of: {', '.join(question.options)}", field=f"answers.{key}")
        if answer:
            snapshot.append({"question": question.label, "answer": answer})
    return snapshot
