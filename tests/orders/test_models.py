"""What the database refuses of documents."""

from datetime import datetime
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from tests.factories.money import give_back, issue_all, make_order, pay

from greenroom.coaches.models import Coach
from greenroom.orders.models import Document, DocumentSeries


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("receipt", {"kind": "invoice"}),
        ("receipt", {"amount_minor": 0}),
        ("receipt", {"amount_minor": -1}),
        ("refund_note", {"amount_minor": 1}),
        ("refund_note", {"refers_to": None}),
        ("refund_note", {"kind": "receipt", "amount_minor": 1}),
    ],
)
def test_document_that_cannot_be_is_refused(coach: Coach, now: datetime, kind: str, changes: dict[str, Any]) -> None:
    give_back(pay(make_order(coach, now=now), now=now), 3000, now=now)
    issue_all(now=now)

    with pytest.raises(IntegrityError), transaction.atomic():
        Document.objects.filter(kind=kind).update(**changes)


@pytest.mark.parametrize("name", ["number", "label", "entry_id", "ref"])
def test_nothing_of_two_documents_is_the_same(coach: Coach, now: datetime, name: str) -> None:
    for _ in range(2):
        pay(make_order(coach, now=now), now=now)
    first, second = issue_all(now=now)

    with pytest.raises(IntegrityError), transaction.atomic():
        Document.objects.filter(pk=second.pk).update(**{name: getattr(first, name)})


def test_there_is_one_series_of_a_kind(db: None) -> None:  # noqa: ARG001 -- it writes
    DocumentSeries.objects.create(kind="receipt", is_test=False)
    DocumentSeries.objects.create(kind="receipt", is_test=True)

    with pytest.raises(IntegrityError), transaction.atomic():
        DocumentSeries.objects.create(kind="receipt", is_test=True)
