"""What somebody can be entitled to."""

from dataclasses import dataclass
from enum import StrEnum


class EntitlementKind(StrEnum):
    """What is used. Courses, memberships, community roles and credits have their place here."""

    DOWNLOAD = "download"


@dataclass(frozen=True, slots=True)
class Thing:
    """What somebody may use: its kind, and its row's number in the app that has it (of a download: its offer's)."""

    kind: EntitlementKind
    pk: int
