"""Reading coaches, and the lock that begins every change to a coach's calendar."""

from django.db.models import F, QuerySet

from greenroom.coaches.models import Coach
from greenroom.coaches.types import CoachStatus
from greenroom.core.errors import NotFoundError
from greenroom.core.ids import NUMBERS_END


def public_coaches() -> QuerySet[Coach]:
    """Return the coaches whom visitors may see."""
    return Coach.objects.filter(status=CoachStatus.APPROVED)


def get_public_coach(slug: str) -> Coach:
    """Return one public coach. Raises: NotFoundError for an unknown or hidden one alike."""
    coach = public_coaches().filter(slug=slug).first()
    if coach is None:
        raise NotFoundError("There is no such coach.")
    return coach


def get_public_coach_by_number(number: int) -> Coach:
    """Return one public coach by the number of their account. Raises: NotFoundError as above."""
    coach = public_coaches().filter(user_id=number).first() if number < NUMBERS_END else None
    if coach is None:
        raise NotFoundError("There is no such coach.")
    return coach


def lock_coach(coach_id: int) -> Coach:
    """Lock a coach's calendar for this transaction: the first lock of every verb that changes what can be booked.

    The lock is the growing of `calendar_version`: an UPDATE of a column that is no key takes the same lock as
    FOR NO KEY UPDATE on PostgreSQL, so rows pointing at the coach can still be added; on SQLite the transaction
    already holds the one write lock. Whoever finds the old version afterwards sees what was free before.
    """
    Coach.objects.filter(pk=coach_id).update(calendar_version=F("calendar_version") + 1)
    return Coach.objects.get(pk=coach_id)
