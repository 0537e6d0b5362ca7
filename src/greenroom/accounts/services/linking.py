"""What becomes of a try to link once Discord said who it is. Locks: attempt, user, identity, in this order."""

import secrets
from datetime import datetime

from django.utils.crypto import salted_hmac

from greenroom.accounts import rules
from greenroom.accounts.limits import CODES_TO_OWNER
from greenroom.accounts.models import DiscordIdentity, LinkAttempt, User
from greenroom.accounts.services import identities
from greenroom.accounts.services.codes import mail_secret
from greenroom.accounts.types import LinkDecision, LinkProblem, LinkState, MailedSecret
from greenroom.core.errors import RateLimitedError
from greenroom.core.ratelimit import take
from greenroom.core.transactions import unit_of_work
from greenroom.integrations.discord.types import DiscordUser, Tokens
from greenroom.jobs import services as jobs

ATTACH = "bookings.attach_discord"


def record_link(*, attempt_id: int, discord_user: DiscordUser, tokens: Tokens, now: datetime) -> LinkState:
    """Store a proven Discord account and what follows from it, by `rules.decide_link`; returns the attempt's state.

    `now` is when the tokens were granted. A guest's account belongs to nobody yet; a signed-in person's becomes
    theirs and replaces the one they had. Somebody else's account is left as it is, and a code is mailed to them.
    An attempt that is not being checked any more stays as it is.
    """
    with unit_of_work():
        attempt = lock_attempt(attempt_id)
        if attempt.state != LinkState.CHECKING:
            return LinkState(attempt.state)
        user = identities.lock_user(attempt.user_id) if attempt.user_id else None
        identity = identities.lock_identity(discord_user)
        owner = identity.user
        decision = rules.decide_link(
            owner_id=identity.user_id, user_id=attempt.user_id, is_for_booking=attempt.booking_id is not None
        )
        if decision is LinkDecision.USE:
            identities.keep_grant(identity, discord_user, tokens, now=now)
            if user is not None:
                identities.adopt(identity, user=user, now=now)
                announcement = f"{identities.ANNOUNCE}:link:{attempt.pk}"
                identities.plan_announcement(user_id=user.pk, key=announcement, now=now)
            finish(attempt, identity, now)
        elif decision is LinkDecision.REFUSE or owner is None:
            close(attempt, LinkState.FAILED, now, LinkProblem.BELONGS_ELSEWHERE)
        else:
            _ask_for_code(attempt, identity, owner, now)
        return LinkState(attempt.state)


def fail_link(*, attempt_id: int, problem: LinkProblem, now: datetime) -> None:
    """End an attempt that is being checked and say why; any other stays as it is."""
    with unit_of_work():
        attempt = lock_attempt(attempt_id)
        if attempt.state == LinkState.CHECKING:
            close(attempt, LinkState.FAILED, now, problem)


def lock_attempt(attempt_id: int) -> LinkAttempt:
    """Return one locked attempt."""
    return LinkAttempt.objects.select_for_update(no_key=True, of=("self",)).get(pk=attempt_id)


def finish(attempt: LinkAttempt, identity: DiscordIdentity, now: datetime) -> None:
    """Close a locked attempt as linked, and have the booking it was for take the identity."""
    attempt.identity = identity
    close(attempt, LinkState.LINKED, now)
    if attempt.booking_id is not None:
        jobs.plan(
            kind=ATTACH,
            key=f"{ATTACH}:{attempt.pk}",
            due_at=now,
            now=now,
            payload={"booking_id": attempt.booking_id, "identity_id": identity.pk},
        )


def close(attempt: LinkAttempt, state: LinkState, now: datetime, problem: LinkProblem | None = None) -> None:
    """Write a locked attempt's last state; its secrets are of no use any more and go."""
    attempt.state, attempt.problem, attempt.closed_at = state, problem or "", now
    attempt.oauth_code = attempt.code_verifier = attempt.code_digest = ""
    attempt.save()


def code_digest(attempt: LinkAttempt, code: str) -> str:
    """Digest a mailed code under the secret key, bound to its attempt: a million codes are too few for a bare hash."""
    return salted_hmac("greenroom.accounts.link_code", f"{attempt.ref}:{code}", algorithm="sha256").hexdigest()


def _ask_for_code(attempt: LinkAttempt, identity: DiscordIdentity, owner: User, now: datetime) -> None:
    try:
        take(CODES_TO_OWNER, str(owner.pk), now=now)
    except RateLimitedError:
        close(attempt, LinkState.FAILED, now, LinkProblem.TOO_MANY_CODES)
        return
    code = f"{secrets.randbelow(10**6):06d}"
    attempt.identity, attempt.state = identity, LinkState.NEEDS_CODE
    attempt.oauth_code = attempt.code_verifier = ""
    attempt.code_digest, attempt.code_tries = code_digest(attempt, code), 0
    attempt.code_expires_at = attempt.expires_at = now + rules.CODE_LIFETIME
    attempt.save()
    mail_secret(purpose=MailedSecret.DISCORD, to=owner.email, code=code, lifetime=rules.CODE_LIFETIME, now=now)
