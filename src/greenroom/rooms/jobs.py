"""Handlers of the due rows about rooms."""

from datetime import timedelta

from greenroom.core import clock
from greenroom.core.errors import BusyError
from greenroom.integrations.discord.errors import DiscordError
from greenroom.integrations.discord.types import DiscordUserId
from greenroom.jobs.errors import PermanentFailureError, RetryLaterError
from greenroom.jobs.models import Job
from greenroom.jobs.registry import HandlerSpec, Lane
from greenroom.jobs.services import close_earlier
from greenroom.rooms import services
from greenroom.rooms.errors import NotYetError

_BUSY_RETRY = timedelta(seconds=2)


def reconcile(job: Job) -> None:
    """Bring one session's room to what it should be; the row stays due until nothing is ever to be done any more."""
    try:
        verdict = services.reconcile_session(int(job.payload["session_id"]))
    except BusyError as error:
        raise RetryLaterError(_BUSY_RETRY, str(error)) from error
    if verdict.at is not None:
        raise RetryLaterError(max(verdict.at - clock.now(), timedelta()), verdict.reason)


def sweep(_job: Job) -> None:
    """Take away channels that belong to no live room; when Discord cannot be asked, the next sweep will."""
    try:
        services.sweep_guild()
    except DiscordError as error:
        raise RetryLaterError(_BUSY_RETRY * 30, str(error)) from error


def watch(_job: Job) -> None:
    """Give every session that should have a room its due row, and end the archives that are too many."""
    services.watch_rooms(now=clock.now())
    services.trim_archives(now=clock.now())


def examine(job: Job) -> None:
    """Look whether the bot can make rooms; stay failed, for the operator to see, when it cannot."""
    now = clock.now()
    try:
        report = services.examine_guild(now=now)
    except DiscordError as error:
        raise RetryLaterError(_BUSY_RETRY * 30, str(error)) from error
    close_earlier(job, now=now)
    if report is not None and report.problem:
        raise PermanentFailureError(f"{report.problem} See the page about Discord.")


def remind(job: Job) -> None:
    """Send one person the way into their room; the row waits while Discord cannot be asked, until the start."""
    payload = job.payload
    user_id = DiscordUserId(int(payload["discord_user_id"]))
    try:
        services.remind(services.Reminder(int(payload["session_id"]), user_id))
    except BusyError as error:
        raise RetryLaterError(_BUSY_RETRY, str(error)) from error
    except NotYetError as wait:
        raise RetryLaterError(max(wait.at - clock.now(), timedelta()), wait.reason) from wait


JOB_HANDLERS: dict[str, HandlerSpec] = {
    # Closing a room is tried for as long as it takes.
    services.RECONCILE: HandlerSpec(reconcile, Lane.ROOMS, lease=timedelta(seconds=45), max_attempts=1_000_000),
    "rooms.watch": HandlerSpec(watch, Lane.ROOMS, every=timedelta(minutes=1)),
    "rooms.examine": HandlerSpec(examine, Lane.SLOW, every=timedelta(hours=1)),
    services.REMIND: HandlerSpec(remind, Lane.MAIL),
    "rooms.sweep": HandlerSpec(sweep, Lane.ROOMS, every=timedelta(minutes=5)),
}
