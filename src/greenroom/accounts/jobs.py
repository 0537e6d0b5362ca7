"""Handlers of the due rows about linked Discord accounts. They alone call Discord, outside any transaction."""

from datetime import datetime, timedelta

from greenroom.accounts import discord, services
from greenroom.accounts.models import DiscordIdentity, LinkAttempt, Revocation
from greenroom.accounts.types import LinkProblem, LinkState
from greenroom.core import clock
from greenroom.integrations.discord.errors import (
    DiscordError,
    OutcomeUnknown,
    PermanentError,
    RateLimited,
    RetryableError,
    TokenRevoked,
)
from greenroom.integrations.discord.protocol import DiscordSignIn
from greenroom.jobs.errors import PermanentFailureError, RetryLaterError
from greenroom.jobs.models import Job

_RETRY = timedelta(seconds=5)


def finish_link(job: Job) -> None:
    """Trade the code, ask Discord who it is, and store the account.

    A code works once: when we cannot know whether it was used, the person is asked to connect again, which is
    always safe. What is certainly not done is tried again while the attempt lives.
    """
    attempt = LinkAttempt.objects.filter(pk=job.payload["attempt_id"]).first()
    if attempt is None or attempt.state != LinkState.CHECKING:
        return
    now = clock.now()
    sign_in = discord.current()
    if sign_in is None or attempt.expires_at <= now:
        services.fail_link(attempt_id=attempt.pk, problem=LinkProblem.UNREACHABLE, now=now)
        return
    try:
        _finish(attempt, sign_in, now)
    except (TokenRevoked, OutcomeUnknown):
        services.fail_link(attempt_id=attempt.pk, problem=LinkProblem.AGAIN, now=clock.now())
    except PermanentError as error:
        # Our own credentials or request are at fault: the person hears of it, and so does the operator.
        services.fail_link(attempt_id=attempt.pk, problem=LinkProblem.REFUSED, now=clock.now())
        raise PermanentFailureError(str(error)) from error


def _finish(attempt: LinkAttempt, sign_in: DiscordSignIn, now: datetime) -> None:
    try:
        tokens = sign_in.exchange_code(attempt.oauth_code, code_verifier=attempt.code_verifier)
    except OutcomeUnknown:
        raise
    except RetryableError as error:
        raise RetryLaterError(_delay(error), str(error)) from error
    try:
        discord_user = sign_in.user_of(tokens.access_token)
    except RetryableError as error:
        # The code is used and the tokens die with this call: only connecting again leads on.
        raise OutcomeUnknown(str(error)) from error
    services.record_link(attempt_id=attempt.pk, discord_user=discord_user, tokens=tokens, now=now)


def revoke_link(job: Job) -> None:
    """End an authorisation at Discord; when the same account was linked again meanwhile, it is needed and stays.

    Revoking one token ends the whole authorisation of that account, the newest one included (Discord's
    documentation of OAuth2).
    """
    revocation = Revocation.objects.filter(pk=job.payload["revocation_id"]).first()
    if revocation is None:
        return
    is_linked_again = DiscordIdentity.objects.filter(discord_user_id=revocation.discord_user_id).exists()
    sign_in = discord.current()
    if sign_in is not None and not is_linked_again:
        try:
            sign_in.revoke(revocation.token)
        except RateLimited as error:
            raise RetryLaterError(_delay(error), str(error)) from error
        except PermanentError as error:
            raise PermanentFailureError(str(error)) from error
    revocation.delete()


def prune(_job: Job) -> None:
    """Delete codes, attempts and sessions that are over."""
    services.prune(now=clock.now())


def _delay(error: DiscordError) -> timedelta:
    return error.retry_after if isinstance(error, RateLimited) else _RETRY
