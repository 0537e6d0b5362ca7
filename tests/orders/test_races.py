"""Many documents at once, on real connections: no number is missing and none is given twice."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from tests.factories.bookings import make_coach
from tests.factories.money import give_back, make_order, pay

from greenroom.core.errors import BusyError
from greenroom.orders import queries
from greenroom.orders.models import Document, DocumentSeries
from greenroom.orders.services import issue_document

Race = Callable[[Sequence[Callable[[], Any]]], list[Any]]
MANY = 12


def numbers(kind: str) -> list[int]:
    return list(Document.objects.filter(kind=kind).order_by("number").values_list("number", flat=True))


def patiently(entry_id: int, now: datetime) -> Any:
    while True:  # SQLite lets waiting writers in by chance, so one may be told to come again
        try:
            return issue_document(entry_id=entry_id, now=now)
        except BusyError:
            continue


def test_receipts_issued_at_once_are_numbered_without_gaps(race: Race, now: datetime) -> None:
    coach = make_coach()
    for _ in range(MANY):
        pay(make_order(coach, now=now), now=now)
    entries = list(queries.movements_to_document().values_list("pk", flat=True))

    issued = race([partial(patiently, entry, now) for entry in entries])

    assert [one for one in issued if not isinstance(one, Document)] == []
    assert numbers("receipt") == list(range(1, MANY + 1))
    assert DocumentSeries.objects.get().last_number == MANY


def test_one_movement_worked_on_by_many_gets_one_document(race: Race, now: datetime) -> None:
    give_back(pay(make_order(make_coach(), now=now), now=now), 3000, now=now)
    capture, refund = queries.movements_to_document().values_list("pk", flat=True)

    issued = race([partial(patiently, capture, now) for _ in range(MANY)])
    notes = race([partial(patiently, refund, now) for _ in range(MANY)])

    assert {one.pk for one in issued} == {Document.objects.get(kind="receipt").pk}
    assert {one.pk for one in notes} == {Document.objects.get(kind="refund_note").pk}
    assert [series.last_number for series in DocumentSeries.objects.all()] == [1, 1]
