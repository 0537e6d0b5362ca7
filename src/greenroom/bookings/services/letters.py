"""Mails that people ask for."""

from datetime import datetime, timedelta

from greenroom.core.ids import new_ref
from greenroom.core.transactions import unit_of_work
from greenroom.notifications.services import plan_message
from greenroom.notifications.types import NewMessage

_USEFUL_FOR = timedelta(hours=2)


def mail_manage_links(*, email: str, now: datetime) -> None:
    """Plan a mail with the links of all coming sessions of an address.

    It is planned for every address: whether there are any is looked up when it is sent, so that neither the
    answer nor its speed tells who books here.
    """
    new = NewMessage(
        kind="bookings.manage_links",
        key=f"bookings.manage_links:{new_ref()}",
        to=email.lower(),
        subject_id=0,
        due_at=now,
        expires_at=now + _USEFUL_FOR,
    )
    with unit_of_work():
        plan_message(new, now=now)
