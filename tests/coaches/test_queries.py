import pytest
from django.db import transaction
from tests.factories.bookings import make_coach

from greenroom.coaches.queries import get_public_coach, lock_coach, public_coaches
from greenroom.coaches.types import CoachStatus
from greenroom.core.errors import NotFoundError

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("status", CoachStatus)
def test_only_approved_coaches_are_public(status: CoachStatus) -> None:
    coach = make_coach(status=status)

    assert coach.is_public is (status is CoachStatus.APPROVED)
    assert list(public_coaches()) == ([coach] if coach.is_public else [])
    if coach.is_public:
        assert get_public_coach("maya") == coach
        return
    with pytest.raises(NotFoundError, match="no such coach"):
        get_public_coach("maya")


@pytest.mark.parametrize("slug", ["", "MAYA", "nobody", "maya ", "x" * 500, "ünï"])
def test_unknown_coach_is_not_found(slug: str) -> None:
    make_coach()

    with pytest.raises(NotFoundError):
        get_public_coach(slug)


def test_coach_who_paused_is_public_and_not_bookable() -> None:
    coach = make_coach()
    coach.is_accepting_students = False

    assert (coach.is_public, coach.is_bookable) == (True, False)


def test_lock_coach_grows_the_version_of_the_calendar() -> None:
    coach, other = make_coach(), make_coach("ilse")

    with transaction.atomic():
        assert lock_coach(coach.pk).calendar_version == coach.calendar_version + 1

    other.refresh_from_db()
    assert other.calendar_version == coach.calendar_version
