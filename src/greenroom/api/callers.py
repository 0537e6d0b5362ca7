"""Who calls the API: a signed-in person, the holder of a link's token, or nobody in particular."""

from django.conf import settings
from django.http import HttpRequest
from ninja.utils import check_csrf

from greenroom.accounts.models import User
from greenroom.bookings import queries
from greenroom.bookings.models import Booking
from greenroom.coaches.models import Coach
from greenroom.core.actors import Actor, ActorKind
from greenroom.core.errors import NotAllowedError, NotFoundError
from greenroom.core.http import client_address

_SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}


class CsrfFailedError(NotAllowedError):
    """A call with the session cookie came without its CSRF token: another site may have made the browser send it."""

    code = "csrf_failed"
    message = "Calls with the session cookie need the CSRF token in the X-CSRFToken header."


def find_user(request: HttpRequest) -> User | None:
    """Return the signed-in person, if the call carries a session.

    Raises: CsrfFailedError when such a call would change something and carries no CSRF token.
    """
    if settings.SESSION_COOKIE_NAME not in request.COOKIES or not request.user.is_authenticated:
        return None
    if request.method not in _SAFE_METHODS and check_csrf(request) is not None:
        raise CsrfFailedError
    return request.user


def get_user(request: HttpRequest, user_id: str = "") -> User:
    """Return the signed-in person; a `user_id` may only repeat who that is, by number or by their slug as a coach.

    Raises: NotFoundError, the same for somebody else and for nobody, and CsrfFailedError as above.
    """
    user = find_user(request)
    is_own = user is not None and (
        user_id in {"", str(user.pk)} or Coach.objects.filter(user=user, slug=user_id).exists()
    )
    if user is None or not is_own:
        raise NotFoundError("There is nothing of yours here. Sign in as the person whose bookings these are.")
    return user


def find_booking(request: HttpRequest, ref: str, token: str) -> tuple[Booking, Actor]:
    """Return a booking and in which part the caller acts on it: by the link's token, or as student or coach.

    Raises: NotFoundError for a wrong token and for somebody else's booking alike.
    """
    address = client_address(request)
    if token:
        booking = queries.get_booking_by_token(token)
        if booking.ref != ref:
            raise NotFoundError("We could not find this booking. Check the link, or ask for a new one.")
        return booking, Actor(ActorKind.GUEST, address=address)
    user = find_user(request)
    if user is None:
        raise NotFoundError("We could not find this booking. Check the link, or ask for a new one.")
    booking = queries.get_booking_for(user, ref)
    kind = ActorKind.COACH if booking.coach.user_id == user.pk else ActorKind.STUDENT
    return booking, Actor(kind, user.pk, address)
