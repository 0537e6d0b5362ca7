"""What a coach's pages about money read: issued documents, always through the coach."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date

from django.db.models import Exists, Max, OuterRef, Prefetch, QuerySet, Subquery, Sum

from greenroom.coaches.models import Coach
from greenroom.core.money import Money
from greenroom.orders import rules
from greenroom.orders.models import Document, Order
from greenroom.orders.types import DocumentKind, Sums


@dataclass(frozen=True, slots=True)
class Period:
    """Some documents of a coach: those issued in one month, or all (None). Months are those printed on documents."""

    coach: Coach
    month: date | None

    def documents(self) -> QuerySet[Document]:
        """Return its documents in the order in which they were issued."""
        found = Document.objects.filter(order__coach=self.coach)
        if self.month is not None:
            found = found.filter(issued_on__year=self.month.year, issued_on__month=self.month.month)
        return found.order_by("pk")


@dataclass(frozen=True, slots=True)
class Takings:
    """What a period comes to in one currency; play money never mixes with real money."""

    is_test: bool
    sums: Sums


def months_of(coach: Coach) -> list[date]:
    """Return the first days of the months in which a coach's documents were issued, the latest first; one query."""
    return list(Document.objects.filter(order__coach=coach).dates("issued_on", "month", order="DESC"))


def takings_of(period: Period) -> list[Takings]:
    """Add up a period, real money first, then by currency; one query."""
    groups = period.documents().order_by().values_list("is_test", "currency", "kind")
    amounts: defaultdict[tuple[bool, str], list[tuple[DocumentKind, Money]]] = defaultdict(list)
    for is_test, currency, kind, minor in groups.annotate(minor=Sum("amount_minor")):
        amounts[is_test, currency].append((DocumentKind(kind), Money(minor, currency)))
    return [Takings(is_test, rules.sums_of(found, currency)) for (is_test, currency), found in sorted(amounts.items())]


def orders_of(period: Period) -> QuerySet[Order]:
    """Return the orders whose money moved in a period, the latest movement first, with the period's documents.

    A page of them is three queries, the count included.
    """
    mine = period.documents()
    latest = mine.filter(order=OuterRef("pk")).order_by().values("order").annotate(latest=Max("pk")).values("latest")
    orders = Order.objects.filter(Exists(mine.filter(order=OuterRef("pk"))), coach=period.coach)
    ordered = orders.annotate(latest=Subquery(latest)).order_by("-latest")
    return ordered.select_related("booking").prefetch_related(Prefetch("documents", mine))


def documents_for_export(period: Period) -> QuerySet[Document]:
    """Return a period's documents with all that a row of the file needs."""
    return period.documents().select_related("order", "refers_to")
