"""How a download is given: access to its offer's text, link and files."""

from datetime import datetime

from greenroom.accounts.models import User
from greenroom.catalog.queries import find_download
from greenroom.core.actors import SYSTEM
from greenroom.entitlements import services as entitlements
from greenroom.entitlements.queries import find_entitlement
from greenroom.entitlements.types import EntitlementKind, Thing
from greenroom.orders.fulfilment import Fulfilment
from greenroom.orders.models import OrderLine
from greenroom.orders.queries import source_of


def _can_give(line: OrderLine) -> bool:
    """Tell whether there is anything in it, on the coach's page or not: what was paid for in good faith is given."""
    content = find_download(line.offer_id) if line.offer_id else None
    return content is not None and not content.is_empty


def _has(user_id: int, offer_id: int, now: datetime) -> bool:
    return find_entitlement(user_id, _thing(offer_id), now=now) is not None


def _give(line: OrderLine, user: User, now: datetime) -> None:
    if line.offer_id:
        thing = _thing(line.offer_id)
        entitlements.grant(user=user, thing=thing, source=source_of(line.pk), actor=SYSTEM, now=now)


def _take(line: OrderLine, reason: str, now: datetime) -> None:
    entitlements.revoke(source=source_of(line.pk), reason=reason, actor=SYSTEM, now=now)


def _thing(offer_id: int) -> Thing:
    return Thing(EntitlementKind.DOWNLOAD, offer_id)


DOWNLOADS = Fulfilment(can_give=_can_give, has=_has, give=_give, take=_take)
