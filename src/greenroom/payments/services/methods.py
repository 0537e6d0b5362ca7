"""The ways to pay by hand that staff offer."""

from dataclasses import dataclass
from datetime import datetime

from greenroom.core import audit
from greenroom.core.actors import Actor, ActorKind
from greenroom.core.errors import InvalidInputError, NotAllowedError
from greenroom.core.transactions import unit_of_work
from greenroom.integrations.manual.models import MOST_HOURS, PayMethod


@dataclass(frozen=True, slots=True)
class MethodWords:
    """What staff say about a method."""

    title: str
    instructions: str
    hours_to_pay: int
    coach_approves: bool
    is_active: bool


def save_method(words: MethodWords, *, pk: int | None, actor: Actor, now: datetime) -> PayMethod:
    """Make a method, or change the one with this key; whoever pays by it already reads the new instructions.

    Time to pay counts for payments that begin later.
    Raises: NotAllowedError, InvalidInputError, PayMethod.DoesNotExist.
    """
    if actor.kind is not ActorKind.ADMIN:
        raise NotAllowedError
    if not 1 <= words.hours_to_pay <= MOST_HOURS:
        raise InvalidInputError(f"Give 1 to {MOST_HOURS} hours.", field="hours_to_pay")
    with unit_of_work():
        locked = PayMethod.objects.select_for_update(no_key=True)
        method = PayMethod(created_at=now) if pk is None else locked.get(pk=pk)
        method.title, method.instructions = words.title, words.instructions
        method.hours_to_pay = words.hours_to_pay
        method.coach_approves, method.is_active = words.coach_approves, words.is_active
        method.save()
        after: dict[str, audit.AuditValue] = {"title": method.title, "is_active": method.is_active}
        audit.record(actor=actor, action="payments.save_method", target=method, now=now, after=after)
    return method
