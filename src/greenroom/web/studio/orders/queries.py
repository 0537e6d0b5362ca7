"""What a coach's pages about money read: issued documents, always through the coach."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date

from django.db.models import Exists, Max, OuterRef, Prefetch, QuerySet, Subquery, Sum

from greenroom.coaches.models import Coach
from greenroom.core.money import Money, total
from greenroom.orders import rules
from greenroom.orders.models import Document, Order
from greenroom.orders.types import DocumentKind, Sums
from greenroom.payments.models import PaymentAttempt
from greenroom.payments.queries import disputes_of_orders, fee_sums, platform_entries
from greenroom.payments.types import AttemptState


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
    """What a period comes to in one currency; play money never mixes with real money.

    `commission` is what the site keeps of the orders that were paid in it, as it stands now. `fees` are what gateways
    kept of the payments received in it, and `unknown` of how many payments that is not known. `taken` is what banks
    took back of them for good.
    """

    is_test: bool
    sums: Sums
    commission: Money
    taken: Money
    fees: tuple[Money, ...] = ()
    unknown: int = 0

    @property
    def net(self) -> Money:
        """What is left: paid, less given back, taken, the commission, and the fees that are in the same currency."""
        fees = [-fee for fee in self.fees if fee.currency == self.currency]
        return total([self.sums.net, -self.taken, -self.commission, *fees], self.currency)

    @property
    def currency(self) -> str:
        """The currency in which it was paid."""
        return self.sums.gross.currency


def months_of(coach: Coach) -> list[date]:
    """Return the first days of the months in which a coach's documents were issued, the latest first; one query."""
    return list(Document.objects.filter(order__coach=coach).dates("issued_on", "month", order="DESC"))


def takings_of(period: Period) -> list[Takings]:
    """Add up a period, real money first, then by currency; five queries.

    Fee, commission and what banks took of a payment count in the month of its receipt.
    """
    groups = period.documents().order_by().values_list("is_test", "currency", "kind")
    amounts: defaultdict[tuple[bool, str], list[tuple[DocumentKind, Money]]] = defaultdict(list)
    for is_test, currency, kind, minor in groups.annotate(minor=Sum("amount_minor")):
        amounts[is_test, currency].append((DocumentKind(kind), Money(minor, currency)))
    receipts = period.documents().order_by().filter(kind=DocumentKind.RECEIPT)
    fees = fee_sums(receipts.values("order__ref"))
    commissions, taken = _commissions(receipts), _taken(receipts)
    takings = []
    for (is_test, currency), found in sorted(amounts.items()):
        mine = [one for one in fees if (one.is_test, one.paid_in) == (is_test, currency)]
        takings.append(
            Takings(
                is_test,
                rules.sums_of(found, currency),
                Money(commissions.get((is_test, currency), 0), currency),
                total(taken[is_test, currency], currency),
                tuple(one.fee for one in mine if one.fee.minor),
                sum(one.unknown for one in mine),
            )
        )
    return takings


def _commissions(receipts: QuerySet[Document]) -> dict[tuple[bool, str], int]:
    """Return what the site keeps of the orders of some receipts, in minor units, by play money and currency."""
    entries = platform_entries(receipts.values("order__ref"))
    test = Exists(receipts.filter(order__ref=OuterRef("order_ref"), is_test=True))
    sums = entries.annotate(is_test=test).values_list("is_test", "currency").annotate(minor=Sum("amount_minor"))
    return {(is_test, currency): -minor for is_test, currency, minor in sums.order_by("is_test", "currency")}


def _taken(receipts: QuerySet[Document]) -> defaultdict[tuple[bool, str], list[Money]]:
    """Return what banks took back for good of the orders of some receipts, by play money and currency."""
    found: defaultdict[tuple[bool, str], list[Money]] = defaultdict(list)
    for dispute in disputes_of_orders(receipts.values("order__ref")):
        found[dispute.attempt.is_test, dispute.currency].append(dispute.charged_back)
    return found


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
    """Return a period's documents with all that a row of the file needs: `fee_minor` and `fee_currency`, too.

    The fee stands in the row of the receipt. None where it is not known.
    """
    paid = PaymentAttempt.objects.filter(order_ref=OuterRef("order__ref"), state=AttemptState.PAID).order_by("seq")
    documents = period.documents().select_related("order", "refers_to")
    return documents.annotate(
        fee_minor=Subquery(paid.values("fee_minor")[:1]), fee_currency=Subquery(paid.values("fee_currency")[:1])
    )
