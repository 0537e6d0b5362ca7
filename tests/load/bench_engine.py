"""Time the slot engine on a fixed workload and print how it compares with a peer.

    python tests/load/bench_engine.py

One coach in New York, open 09:00-17:00 every day, sessions of 60 minutes every 15 minutes; 30 or 365 days;
0, 200 or 2000 busy intervals from a linear congruential generator. Timed is the way from instants in memory
to the finished list of ISO texts, on one thread, in CPU time. The peer column is what cal.com's own functions
took on the same inputs (Node 20, best of six runs, a machine of the same kind). The script ends with status 1
when an answer is wrong; a missed budget is printed only, because a shared machine can cause it.
"""

import hashlib
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median, quantiles

from greenroom.availability.engine import (
    Interval,
    Rules,
    Schedule,
    SlotQuery,
    Taken,
    Window,
    iso_instants,
    open_starts,
)

BEGIN = datetime(2027, 1, 4, 5, tzinfo=UTC)
SCHEDULE = Schedule("America/New_York", tuple(Window(day, 9 * 60, 17 * 60) for day in range(1, 8)))
RULES = Rules(duration=timedelta(minutes=60), increment=timedelta(minutes=15))
WARM_UP_RUNS = 20
TIMED_RUNS = 100


@dataclass(frozen=True)
class Workload:
    name: str
    days: int
    busy_count: int
    copies: int
    slot_count: int
    sha256: str
    peer_ms: float | None = None
    budget_ms: float | None = None


WORKLOADS = (
    Workload("W1", 30, 0, 1, 870, "803cdcc87c27f22fd12fa77b69ec7722d46753b0c57103e356230ab9f073c1a1", 19.5),
    Workload("W2", 30, 200, 1, 551, "d2a79b893c89bbc47c42d49051ae7a49cb2a1280cb888535e21ef297d1a83c78", 24.0, 0.6),
    Workload("W3", 30, 2000, 1, 6, "48174d3af74d554385fb23320b691ed8e1d69d9634d539bc80d16dbee47e27c7", 28.7),
    Workload("W4", 365, 0, 1, 10585, "04999ecfe514b1989bf862738b1d076c1c6a3e40b801fa8b9ca585c4397aafd9", 234),
    Workload("W5", 365, 200, 1, 10179, "95fe86253142736bf36a072f33df320b23448ec1ba95b6440dabb1211749c636", 262),
    Workload("W6", 365, 2000, 1, 7433, "1ae589d628d93b1585c96588c3157335abc9fee26bac54a413cd616133488bd6", 332, 12),
    Workload("W7", 30, 200, 10, 529, "c4701edfb47c1ddcc541014755a109be9b50592387d36783a40ea03f69da99ea"),
)


def random_numbers() -> Iterator[int]:
    """Yield the 16 high bits of a 32-bit linear congruential generator."""
    state = 12345
    while True:
        state = (1664525 * state + 1013904223) % 2**32
        yield state >> 16


def busy_intervals(workload: Workload) -> tuple[Interval, ...]:
    """Return the busy intervals in the order in which they are made: neither sorted nor merged."""
    numbers = random_numbers()
    first = []
    for _ in range(workload.busy_count):
        day, step, length = next(numbers) % workload.days, next(numbers) % 288, next(numbers) % 4
        start = BEGIN + timedelta(days=day, minutes=5 * step)
        first.append((start, start + timedelta(minutes=15 * (length + 1))))
    shifts = [timedelta(minutes=copy) for copy in range(workload.copies)]
    return tuple(Interval(start + shift, end + shift) for shift in shifts for start, end in first)


def query_of(workload: Workload) -> SlotQuery:
    """Return the workload as a question to the engine."""
    taken = Taken(busy=busy_intervals(workload))
    now, until = datetime(2026, 1, 1, tzinfo=UTC), BEGIN + timedelta(days=workload.days)
    return SlotQuery(SCHEDULE, RULES, now, BEGIN, until, taken)


def answer(query: SlotQuery) -> list[str]:
    """Do what is timed: from the question to the starts as texts."""
    return iso_instants(open_starts(query))


def is_right(workload: Workload, starts: list[str]) -> bool:
    """Tell whether an answer is the reference answer."""
    digest = hashlib.sha256("\n".join(starts).encode()).hexdigest()
    return (len(starts), digest) == (workload.slot_count, workload.sha256)


def timed_ms(call: Callable[[], object]) -> list[float]:
    """Return the CPU milliseconds of each timed call, after a warm-up."""
    for _ in range(WARM_UP_RUNS):
        call()
    spent = []
    for _ in range(TIMED_RUNS):
        began = time.process_time_ns()
        call()
        spent.append((time.process_time_ns() - began) / 1e6)
    return spent


def report(workload: Workload) -> bool:
    """Time one workload, print its line and tell whether it is right."""
    query = query_of(workload)
    right = is_right(workload, answer(query))
    spent = timed_ms(lambda: answer(query))
    typical, slow = median(spent), quantiles(spent, n=20)[-1]
    ratio = f"{workload.peer_ms / typical:6.0f}x" if workload.peer_ms else "      -"
    budget = f"{workload.budget_ms:6.1f}" if workload.budget_ms else "     -"
    within = workload.budget_ms is None or typical <= workload.budget_ms
    verdict = ("ok" if within else "OVER BUDGET") if right else "WRONG ANSWER"
    print(f"{workload.name}  {workload.slot_count:6}  {typical:8.3f}  {slow:8.3f}  {budget}  {ratio}  {verdict}")
    return right


def main() -> int:
    """Print one line a workload; return 1 when an answer is wrong."""
    print("      slots  median ms    p95 ms  budget  vs cal.com")
    rights = [report(workload) for workload in WORKLOADS]
    return 0 if all(rights) else 1


if __name__ == "__main__":
    sys.exit(main())
