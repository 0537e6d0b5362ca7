"""Reading offers: what the public may see, their prices, their policy."""

from collections.abc import Iterable, Mapping
from datetime import timedelta

from django.db.models import QuerySet

from greenroom.accounts.models import User
from greenroom.catalog.errors import NoPriceError
from greenroom.catalog.models import Offer, OfferDuration
from greenroom.catalog.rules import Price, PriceTerms, find_price
from greenroom.catalog.types import DEFAULT_REFUND_TIERS, OfferKind, OfferStatus, QuestionKind, RefundTier
from greenroom.coaches.types import CoachStatus
from greenroom.core.errors import InvalidInputError, NotFoundError


def public_offers() -> QuerySet[Offer]:
    """Return the published calls of public coaches, with their durations, in the coach's order."""
    offers = Offer.objects.filter(
        kind=OfferKind.CALL, status=OfferStatus.PUBLISHED, coach__status=CoachStatus.APPROVED, durations__isnull=False
    )
    return offers.distinct().select_related("coach", "schedule").prefetch_related("durations")


def get_public_offer(coach_slug: str, offer_slug: str) -> Offer:
    """Return one published offer. Raises: NotFoundError."""
    offer = public_offers().filter(coach__slug=coach_slug, slug=offer_slug).first()
    if offer is None or not _is_priced(offer):
        raise NotFoundError("There is no such offer.")
    return offer


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


def price_of(offer: Offer, duration: OfferDuration | None = None) -> Price:
    """Return what one length of an offer costs, or the whole of one that has no length.

    From what is loaded: no query for an offer of `public_offers`.
    Raises: NoPriceError, which no published offer does unless somebody changed it in the admin.
    """
    length_minor = duration.price_minor if duration else None
    return find_price(PriceTerms(offer.currency, offer.price_minor, length_minor))


def priced(offers: Iterable[Offer]) -> list[Offer]:
    """Return the offers of which every length has a price: a published one lacks it only after a change in the admin.

    No query for those of `public_offers`.
    """
    return [offer for offer in offers if _is_priced(offer)]


def _is_priced(offer: Offer) -> bool:
    try:
        for duration in offer.durations.all():
            price_of(offer, duration)
    except NoPriceError:
        return False
    return True


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
