"""The web half of linking: leaving for Discord, coming back, and typing the mailed code. Nothing here calls Discord."""

import hashlib
import secrets
from datetime import datetime

from django.utils.crypto import constant_time_compare

from greenroom.accounts import discord, rules
from greenroom.accounts.errors import (
    CodeOverError,
    ConsentDeniedError,
    LinkOverError,
    LinkRefusedError,
    LinkUnknownError,
    WrongCodeError,
)
from greenroom.accounts.models import LinkAttempt, User
from greenroom.accounts.paths import internal_path
from greenroom.accounts.services import linking
from greenroom.accounts.types import LinkProblem, LinkState
from greenroom.core.errors import NotFoundError
from greenroom.core.transactions import unit_of_work
from greenroom.integrations.discord.oauth import new_code_verifier
from greenroom.jobs import services as jobs

FINISH = "accounts.finish_link"
_STATE_BYTES = 32


def start_link(
    *, browser_secret: str, return_path: str, now: datetime, booking_id: int | None = None, user: User | None = None
) -> str:
    """Begin to link a Discord account for a booking, a user, or both; return Discord's consent address.

    `browser_secret` is the value of a cookie that only this browser has: nobody else can come back with the answer.
    A `return_path` outside of this site becomes the start page. Writes one row that lives for fifteen minutes.
    Raises: NotFoundError when Discord is not set up.
    """
    sign_in = discord.current()
    if sign_in is None:
        raise NotFoundError("Discord is not set up on this site.")
    state, verifier = secrets.token_urlsafe(_STATE_BYTES), new_code_verifier()
    LinkAttempt.objects.create(
        state_digest=digest(state),
        browser_digest=digest(browser_secret),
        code_verifier=verifier,
        booking_id=booking_id,
        user=user,
        return_path=internal_path(return_path),
        created_at=now,
        expires_at=now + rules.ATTEMPT_LIFETIME,
    )
    return sign_in.authorize_url(state=state, code_verifier=verifier, scopes=rules.SCOPES)


def receive_callback(*, state: str, code: str, error: str, browser_secret: str, now: datetime) -> LinkAttempt:
    """Take Discord's answer, once: keep the code encrypted and plan the job that uses it. Returns the attempt.

    A refusal ends the attempt. Locks the attempt; of two answers at once one is taken.
    Raises: LinkUnknownError (not this browser's), LinkOverError (late or repeated), ConsentDeniedError,
    LinkRefusedError (Discord's own error, or no code); but for the two refusals of Discord nothing was changed.
    """
    attempt = _attempt_of(state, browser_secret)
    with unit_of_work():
        attempt = linking.lock_attempt(attempt.pk)
        if attempt.state != LinkState.STARTED or attempt.expires_at <= now:
            raise LinkOverError(return_path=attempt.return_path)
        if error:
            problem = LinkProblem.DENIED if error == "access_denied" else LinkProblem.REFUSED
            linking.close(attempt, LinkState.FAILED, now, problem)
        elif not code or len(code) > rules.LONGEST_OAUTH_CODE:
            raise LinkRefusedError(return_path=attempt.return_path)
        else:
            _keep_code(attempt, code, now)
    if attempt.problem == LinkProblem.DENIED:
        raise ConsentDeniedError(return_path=attempt.return_path)
    if attempt.state == LinkState.FAILED:
        raise LinkRefusedError(return_path=attempt.return_path)
    return attempt


def confirm_code(*, attempt: LinkAttempt, code: str, now: datetime) -> None:
    """Let a booking use somebody's linked account, because the person read the code in that somebody's mail.

    The account and its link stay whose they were. Locks the attempt: each try is counted, however many come at
    once. An attempt that is already linked stays so.
    Raises: WrongCodeError with the tries that are left; CodeOverError after the last, or too late.
    """
    with unit_of_work():
        attempt = linking.lock_attempt(attempt.pk)
        if attempt.state == LinkState.NEEDS_CODE:
            _judge(attempt, code, now)
    if attempt.state == LinkState.NEEDS_CODE:
        raise WrongCodeError(rules.CODE_TRIES - attempt.code_tries)
    if attempt.state != LinkState.LINKED:
        raise CodeOverError


def _judge(attempt: LinkAttempt, code: str, now: datetime) -> None:
    attempt.code_tries += 1
    if attempt.code_expires_at is None or attempt.code_expires_at <= now:
        linking.close(attempt, LinkState.FAILED, now, LinkProblem.CODE_EXPIRED)
    elif attempt.identity is None:  # its owner disconnected it meanwhile
        linking.close(attempt, LinkState.FAILED, now, LinkProblem.AGAIN)
    elif constant_time_compare(linking.code_digest(attempt, code), attempt.code_digest):
        linking.finish(attempt, attempt.identity, now)
    elif attempt.code_tries >= rules.CODE_TRIES:
        linking.close(attempt, LinkState.FAILED, now, LinkProblem.CODE_WRONG)
    else:
        attempt.save(update_fields=["code_tries"])


def digest(secret: str) -> str:
    """Digest a secret of at least 128 random bits; such a one needs no key and no salt."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _attempt_of(state: str, browser_secret: str) -> LinkAttempt:
    attempt = LinkAttempt.objects.filter(state_digest=digest(state)).first()
    if attempt is None or not constant_time_compare(attempt.browser_digest, digest(browser_secret)):
        raise LinkUnknownError
    return attempt


def _keep_code(attempt: LinkAttempt, code: str, now: datetime) -> None:
    attempt.oauth_code, attempt.state = code, LinkState.CHECKING
    attempt.save(update_fields=["oauth_code", "state"])
    jobs.plan(
        kind=FINISH,
        key=f"{FINISH}:{attempt.pk}",
        due_at=now,
        now=now,
        payload={"attempt_id": attempt.pk},
    )
