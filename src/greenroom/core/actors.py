"""Who does something: the first argument of every decision about permission and of every audit entry."""

from dataclasses import dataclass
from enum import StrEnum


class ActorKind(StrEnum):
    """On whose behalf a change is made."""

    SYSTEM = "system"
    GUEST = "guest"
    STUDENT = "student"
    COACH = "coach"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Actor:
    """One acting person or the system; `user_id` is None for guests and the system."""

    kind: ActorKind
    user_id: int | None = None
    address: str = ""


SYSTEM = Actor(ActorKind.SYSTEM)
