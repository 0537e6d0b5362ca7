"""What every process knows of our bot token, kept in the database."""

import hashlib
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock

from django.db.models import F, Sum
from django.db.models.functions import Now

from greenroom.core import clock
from greenroom.core.transactions import unit_of_work
from greenroom.integrations.discord.state import INVALID_WINDOW, SLOW_SPACING, SPACING, BotStatus
from greenroom.rooms.models import BotRecord, BotRefusals

# Asked before every call: one read a second a process is cheap, and a second late is early enough.
_FRESH_SECONDS = 1.0


def fingerprint(bot_token: str) -> str:
    """Return by what a token is known here: it cannot be turned back into the token."""
    return hashlib.sha256(bot_token.encode()).hexdigest()


def _database_now() -> datetime:
    return BotRecord.objects.annotate(database_now=Now()).values_list("database_now", flat=True)[0]


class DatabaseBotState:
    """A `BotState` shared by all processes; a dead token stays dead over restarts until it is replaced or revived.

    A new token has a new fingerprint and begins with a clean record. What this process does itself it sees at once.
    """

    def __init__(
        self,
        bot_token: str,
        monotonic: Callable[[], float] = time.monotonic,
        database_now: Callable[[], datetime] = _database_now,
    ) -> None:
        """`database_now` is the clock by which all machines take their places: one for all, and never a moved one."""
        self._fingerprint = fingerprint(bot_token)
        self._monotonic = monotonic
        self._database_now = database_now
        self._lock = Lock()
        self._known: tuple[float, BotStatus] | None = None

    def status(self) -> BotStatus:
        """Read everything, at most a second old."""
        with self._lock:
            known = self._known
        if known is not None and self._monotonic() - known[0] < _FRESH_SECONDS:
            return known[1]
        status = self._read()
        with self._lock:
            self._known = (self._monotonic(), status)
        return status

    def take_place(self, most_wait: timedelta, *, is_slow: bool = False) -> timedelta:
        """Take the next moment at which a request may leave, among those of all processes.

        Locks and writes the bot's record for a moment. Raises: BusyError.
        """
        pk = self._record().pk
        with unit_of_work():
            record = BotRecord.objects.select_for_update(no_key=True).get(pk=pk)
            now = self._database_now()
            wait = max(record.next_place_at - now, timedelta()) if record.next_place_at else timedelta()
            if wait <= most_wait:
                record.next_place_at = now + wait + (SLOW_SPACING if is_slow else SPACING)
                record.save(update_fields=["next_place_at"])
            return wait

    def mark_token_dead(self) -> None:
        """Remember that Discord refused the token; a second call changes nothing."""
        self._record()
        mine = BotRecord.objects.filter(fingerprint=self._fingerprint, is_token_dead=False)
        mine.update(is_token_dead=True, died_at=clock.now())
        self._forget()

    def revive_token(self) -> None:
        """Try the same token again: an operator's button, when Discord refused it by mistake."""
        BotRecord.objects.filter(fingerprint=self._fingerprint).update(is_token_dead=False, died_at=None)
        self._forget()

    def stop_all(self, duration: timedelta) -> None:
        """Send nothing for `duration`; never shortens a stop that already holds."""
        until = clock.now() + duration
        record = self._record()
        mine = BotRecord.objects.filter(pk=record.pk)
        mine.filter(stopped_until__isnull=True).update(stopped_until=until)
        mine.filter(stopped_until__lt=until).update(stopped_until=until)
        self._forget()

    def record_invalid(self) -> None:
        """Count one answer towards Discord's limit of invalid requests."""
        now = clock.now()
        record = self._record()
        minute = now.replace(second=0, microsecond=0)
        row, _made = BotRefusals.objects.get_or_create(bot=record, minute=minute)
        BotRefusals.objects.filter(pk=row.pk).update(count=F("count") + 1)
        BotRefusals.objects.filter(bot=record, minute__lte=minute - INVALID_WINDOW).delete()
        self._forget()

    def _record(self) -> BotRecord:
        record, _made = BotRecord.objects.get_or_create(fingerprint=self._fingerprint)
        return record

    def _read(self) -> BotStatus:
        record = BotRecord.objects.filter(fingerprint=self._fingerprint).first()
        if record is None:
            return BotStatus()
        now = clock.now()
        recent = record.refusals.filter(minute__gt=now - INVALID_WINDOW)
        stopped_for = timedelta() if record.stopped_until is None else record.stopped_until - now
        return BotStatus(
            is_token_dead=record.is_token_dead,
            stopped_for=max(stopped_for, timedelta()),
            invalid_count=recent.aggregate(total=Sum("count"))["total"] or 0,
        )

    def _forget(self) -> None:
        with self._lock:
            self._known = None
