"""What the verbs of a coach's hours are given."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class LocalDays:
    """Whole days from `first` to `last`, both included, on the wall clock of the coach's schedule."""

    first: date
    last: date
