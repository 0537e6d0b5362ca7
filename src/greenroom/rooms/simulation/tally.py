"""What happened in a simulation, and what was wrong, in numbers."""

from collections import Counter
from dataclasses import dataclass, field

# The nets beneath lost requests, which a simulation can do without, to show that they are needed.
PARTS = ("adoption", "sweep")

HAPPENED = (
    "sessions",
    "crashes",
    "lost_replies",
    "late_landings",
    "stalls",
    "refusals",
    "outages",
    "edits",
    "changes",
    "calls",
)
# Each of them must be 0.
WRONG = {
    "early": "somebody saw a room before its time, or one that was never theirs",
    "late": "somebody saw a room more than a minute after it closed, or after the last trouble",
    "shut_out": "somebody did not see their room two minutes after it opened, or after the last trouble",
    "duplicates": "a session had more than one room for longer than a sweep",
    "orphans": "channels or roles that were left over",
    "unsettled": "rooms, due rows or ledger entries that never came to their end",
    "touched": "things of the server's own people that were changed",
    "errors": "runs that ended in an error nobody foresaw",
}


@dataclass
class Tally:
    """Counts of one or many seeds. `notes` say what was wrong, each with its seed and the time since its start."""

    counts: Counter[str] = field(default_factory=Counter)
    seeds: int = 0
    failed_seeds: list[int] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def happened(self, what: str, times: int = 1) -> None:
        """Count something that may happen."""
        self.counts[what] += times

    def is_wrong(self, what: str, note: str) -> None:
        """Count something that must not happen, and keep what is known of it."""
        self.counts[what] += 1
        self.notes.append(f"{what}: {note}")

    @property
    def has_failed(self) -> bool:
        """Whether anything was wrong."""
        return any(self.counts[what] for what in WRONG)

    def add(self, seed: int, other: "Tally") -> None:
        """Add what one seed came to."""
        self.seeds += 1
        self.counts.update(other.counts)
        self.notes += [f"seed {seed}: {note}" for note in other.notes]
        if other.has_failed:
            self.failed_seeds.append(seed)

    def as_json(self) -> dict[str, object]:
        """Return every number by its name, also those that are 0, and the seeds in which something was wrong."""
        numbers = {what: self.counts[what] for what in (*HAPPENED, *WRONG)}
        return {"seeds": self.seeds, **numbers, "failed_seeds": self.failed_seeds}
