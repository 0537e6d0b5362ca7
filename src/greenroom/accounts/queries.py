"""Reading tries to link, and what a person is told about their Discord connection."""

from dataclasses import dataclass
from datetime import datetime

from greenroom.accounts.models import DiscordIdentity, LinkAttempt, User
from greenroom.accounts.types import CardState, LinkProblem, LinkState
from greenroom.core.errors import NotFoundError

_WORDS = {
    LinkProblem.DENIED: "You did not allow the connection at Discord.",
    LinkProblem.REFUSED: "Discord refused the connection. Please connect again.",
    LinkProblem.AGAIN: "Discord did not confirm your account. Please connect again.",
    LinkProblem.UNREACHABLE: "Discord could not be reached. Please connect again in a few minutes.",
    LinkProblem.BELONGS_ELSEWHERE: (
        "This Discord account is connected to another Greenroom account. Disconnect it there, or use another one."
    ),
    LinkProblem.TOO_MANY_CODES: "Too many codes were mailed for this Discord account. Please try again in an hour.",
    LinkProblem.CODE_WRONG: "The code was wrong too often. Connect again to get a new one.",
    LinkProblem.CODE_EXPIRED: "The code was not used in time. Connect again to get a new one.",
}
NEEDS_CODE_WORDS = (
    "This Discord account belongs to a Greenroom account. We mailed a code to that account's address: type it in to "
    "use the Discord account here."
)


@dataclass(frozen=True, slots=True)
class DiscordCard:
    """The connection in words.

    `name` stands with a connected account, `problem` is empty or some sentences, `code_ref` is the attempt that
    waits for a mailed code, or empty.
    """

    state: CardState
    name: str = ""
    problem: str = ""
    code_ref: str = ""


def lock_person(user: User) -> User:
    """Lock somebody's account for this transaction, after an order and before what it gives; returns it as it is."""
    return User.objects.select_for_update(no_key=True).get(pk=user.pk)


def discord_card(
    *, identity: DiscordIdentity | None, now: datetime, booking_id: int | None = None, user: User | None = None
) -> DiscordCard:
    """Return what the card says: for a booking when `booking_id` is given, else for the user's account.

    `identity` is the one the booking (or the user) has now. An attempt that was answered but is not visible there
    yet counts as being checked while it lives; one that died halfway says so. One query.
    """
    attempt = _latest_attempt(booking_id, user)
    if attempt is not None and _is_being_checked(attempt, identity, now):
        return DiscordCard(CardState.CHECKING)
    state = CardState.CONNECTED if identity is not None else CardState.MISSING
    name = identity.username if identity is not None else ""
    if attempt is not None and attempt.state == LinkState.NEEDS_CODE and attempt.expires_at > now:
        return DiscordCard(state, name, NEEDS_CODE_WORDS, attempt.ref)
    return DiscordCard(state, name, problem_words(attempt) if attempt is not None else "")


def problem_words(attempt: LinkAttempt) -> str:
    """Say why an attempt came to nothing, and what to do; empty when it did not."""
    if attempt.state == LinkState.FAILED:
        return _WORDS[LinkProblem(attempt.problem)]
    if attempt.state == LinkState.NEEDS_CODE:  # asked only once it is over
        return _WORDS[LinkProblem.CODE_EXPIRED]
    if attempt.state == LinkState.CHECKING:
        return _WORDS[LinkProblem.UNREACHABLE]
    return ""


def get_attempt(ref: str, *, browser_digest: str) -> LinkAttempt:
    """Return an attempt of this browser. Raises: NotFoundError, the same for another's and for none."""
    attempt = LinkAttempt.objects.filter(ref=ref, browser_digest=browser_digest).first()
    if attempt is None:
        raise NotFoundError
    return attempt


def _latest_attempt(booking_id: int | None, user: User | None) -> LinkAttempt | None:
    """Return the newest attempt that came back from Discord: one that was only begun says nothing."""
    attempts = LinkAttempt.objects.exclude(state=LinkState.STARTED).order_by("-pk")
    if booking_id is not None:
        return attempts.filter(booking_id=booking_id).first()
    return attempts.filter(booking_id=None, user=user).first() if user is not None else None


def _is_being_checked(attempt: LinkAttempt, identity: DiscordIdentity | None, now: datetime) -> bool:
    if attempt.expires_at <= now:
        return False
    if attempt.state == LinkState.CHECKING:
        return True
    is_new = attempt.identity_id is not None and (identity is None or identity.pk != attempt.identity_id)
    return attempt.state == LinkState.LINKED and is_new
