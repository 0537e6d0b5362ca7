"""Reading orders and their documents."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import CharField, Exists, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Cast, Concat

from greenroom.catalog.models import Offer
from greenroom.coaches.models import Coach
from greenroom.core.errors import NotFoundError
from greenroom.core.ids import read_signed_ref, sign_ref
from greenroom.core.money import Money
from greenroom.entitlements.queries import find_by_source
from greenroom.integrations.manual.models import ManualPayment, ManualRefund
from greenroom.integrations.stripe.protocol import RefundState
from greenroom.jobs.models import Job
from greenroom.notifications.models import Message
from greenroom.orders import rules
from greenroom.orders.models import Document, Order, OrderLine
from greenroom.orders.pricing import line_totals
from greenroom.orders.types import DocumentKind, LineKind, NewLine, PricedLine
from greenroom.payments import queries as payments
from greenroom.payments.models import Dispute, LedgerEntry, RefundRequest
from greenroom.payments.queries import customer_movements
from greenroom.payments.types import Movement, MovementKind

ISSUE = "orders.issue_document"
DOCUMENT_PURPOSE = "orders.document"
PURCHASE_PURPOSE = "orders.purchase"
LINE_SOURCE = "order_line"
REFUND_MAIL = "orders.refund_to_send"


def line_kinds(order_ref: str) -> list[str]:
    """Return the kinds of line on an order, in order; nothing for an order that there is not."""
    return list(OrderLine.objects.filter(order__ref=order_ref).values_list("kind", flat=True))


def lock_order(order_id: int) -> Order:
    """Lock an order for this transaction and return it as it is now."""
    return _locking().get(pk=order_id)


def lock_order_by_ref(ref: str) -> Order:
    """Lock an order for this transaction and return it as it is now."""
    return _locking().get(ref=ref)


def lock_open_order(open_key: str) -> Order | None:
    """Lock the open order of a person and an offer, if there is one."""
    return _locking().filter(open_key=open_key).first()


def _locking() -> QuerySet[Order]:
    orders = Order.objects.select_for_update(no_key=True, of=("self",)).select_related("coach__user", "buyer")
    return orders.prefetch_related("lines")


def purchases() -> QuerySet[Order]:
    """Return the orders of what has no time, with their lines and coach."""
    return (
        Order.objects.filter(pay_until__isnull=False).select_related("coach__user", "buyer").prefetch_related("lines")
    )


def find_purchase(ref: str) -> Order | None:
    """Return a purchase by its reference, if it is one; who may see it is the caller's to decide."""
    # An address may carry what PostgreSQL refuses to compare: NUL, halves of surrogate pairs.
    return purchases().filter(ref=ref).first() if ref.isascii() and ref.isprintable() else None


def purchase_token(order: Order) -> str:
    """Return the token that opens a purchase without signing in; the same every time."""
    return sign_ref(order.ref, purpose=PURCHASE_PURPOSE)


def get_purchase_by_token(token: str) -> Order:
    """Return the purchase whose token this is. Raises: NotFoundError for a token that is not genuine."""
    ref = read_signed_ref(token, purpose=PURCHASE_PURPOSE)
    order = find_purchase(ref) if ref else None
    if order is None:
        raise NotFoundError
    return order


def source_of(line_id: int) -> str:
    """Return how an entitlement names the line of an order that gave it."""
    return f"{LINE_SOURCE}:{line_id}"


def lines_by_source(sources: Iterable[str]) -> dict[str, OrderLine]:
    """Return the lines that gave some entitlements, with their orders, by source; one query.

    What something else gave is left out.
    """
    parts = [source.partition(":") for source in sources]
    numbers = [int(number) for kind, _, number in parts if kind == LINE_SOURCE and number.isdecimal()]
    lines = OrderLine.objects.select_related("order__coach", "offer").filter(pk__in=numbers)
    return {source_of(line.pk): line for line in lines}


def usable_lines(order: Order, *, now: datetime) -> list[OrderLine]:
    """Return what of an order can be used at `now`: what it gave, and was neither taken back nor ran out."""
    return [line for line in order.lines.all() if find_by_source(source_of(line.pk), now=now)]


def find_given(offer: Offer, *, holder: str) -> Order | None:
    """Return the purchase by which this browser or account has an offer, if there is one."""
    mine = purchases().filter(holder=holder, fulfilled_at__isnull=False, revoked_at__isnull=True)
    return mine.filter(lines__offer=offer).order_by("-pk").first() if holder else None


def find_purchase_of(user_id: int, offer_id: int) -> Order | None:
    """Return the purchase by which somebody has an offer, the latest, if there is one."""
    mine = purchases().filter(buyer_id=user_id, fulfilled_at__isnull=False, revoked_at__isnull=True)
    return mine.filter(lines__offer_id=offer_id).order_by("-pk").first()


def purchases_with_news(*, since: datetime) -> QuerySet[Order]:
    """Return the purchases that were given and of which a refund or a dispute changed since an instant (aware UTC)."""
    refunds = RefundRequest.objects.filter(attempt__order_ref=OuterRef("ref"), changed_at__gte=since)
    disputes = Dispute.objects.filter(attempt__order_ref=OuterRef("ref"), changed_at__gte=since)
    given = Order.objects.filter(fulfilled_at__isnull=False, pay_until__isnull=False, total_minor__gt=0)
    return given.filter(Q(Exists(refunds)) | Q(Exists(disputes))).order_by("pk")


def issue_key(entry_id: int) -> str:
    """Return the key of the due row that issues the document of a ledger entry."""
    return f"{ISSUE}:{entry_id}"


def movements_to_document() -> QuerySet[LedgerEntry]:
    """Return the movements of customers' money that have no document and no due row that would issue it."""
    key = Concat(Value(f"{ISSUE}:"), Cast(OuterRef("pk"), CharField()))
    undocumented = customer_movements().filter(document__isnull=True)
    return undocumented.exclude(Exists(Job.objects.filter(key=key)))


def lines_left(order: Order) -> list[tuple[OrderLine, Money]]:
    """Return the lines of an order that cost something, with what can still be refunded of each; three queries."""
    lines = list(order.lines.all())
    priced = [PricedLine(_new_line(line), Money(line.tax_minor, order.currency)) for line in lines]
    found = zip(lines, line_totals(priced, is_tax_on_top=order.is_tax_on_top), strict=True)
    totals = {line.position: amount for line, amount in found if amount.minor}
    left = rules.left_of_lines(totals, payments.taken_of_lines(order.ref))
    return [(line, left[line.position]) for line in lines if line.position in left]


def _new_line(line: OrderLine) -> NewLine:
    return NewLine(LineKind(line.kind), line.title, line.price)


def find_referred(movement: Movement) -> Document | None:
    """Return the document that the one of this movement refers to: of a refund the receipt, of a reversal its note."""
    if movement.kind is MovementKind.REFUND_REVERSAL:
        return Document.objects.filter(
            kind=DocumentKind.REFUND_NOTE, entry__kind=MovementKind.REFUND, entry__source_id=movement.source_id
        ).first()
    return Document.objects.filter(
        kind=DocumentKind.RECEIPT, entry__kind=MovementKind.CAPTURE, entry__source_id=str(movement.attempt_id)
    ).first()


def document_token(document: Document) -> str:
    """Return the token that opens a document without signing in; the same every time."""
    return sign_ref(document.ref, purpose=DOCUMENT_PURPOSE)


def find_document_by_token(token: str) -> Document | None:
    """Return the document whose token this is, if it is a genuine one."""
    ref = read_signed_ref(token, purpose=DOCUMENT_PURPOSE)
    return _whole(Document.objects.filter(ref=ref)).first() if ref else None


def documents_by_ref(ref: str) -> QuerySet[Document]:
    """Return the document with this reference, or nothing; who may see it is the caller's to filter."""
    # An address may carry what PostgreSQL refuses to compare: NUL, halves of surrogate pairs.
    known = Document.objects.filter(ref=ref) if ref.isascii() and ref.isprintable() else Document.objects.none()
    return _whole(known)


def _whole(documents: QuerySet[Document]) -> QuerySet[Document]:
    return documents.select_related("refers_to", "order__coach")


def payments_by_hand(coach: Coach | None = None) -> QuerySet[ManualPayment]:
    """Return the payments by hand about which staff decide; of a coach those about which that coach may."""
    found = ManualPayment.objects.select_related("method").order_by("pk")
    if coach is None:
        return found
    may = Q(method__isnull=True) | Q(method__coach_approves=True)
    return found.filter(may, order_ref__in=Order.objects.filter(coach=coach).values("ref"))


def refunds_by_hand(coach: Coach | None = None) -> QuerySet[ManualRefund]:
    """Return the refunds that a person sends back, of the payments about which staff, or that coach, decide."""
    found = ManualRefund.objects.filter(payment__in=payments_by_hand(coach))
    return found.select_related("payment").order_by("pk")


def refunds_nobody_was_told_of() -> QuerySet[ManualRefund]:
    """Return the refunds that a person still has to send and about which no mail was planned, with their payments."""
    told = Message.objects.filter(kind=REFUND_MAIL, subject_id=OuterRef("pk"))
    pending = ManualRefund.objects.filter(state=RefundState.PENDING)
    return pending.exclude(Exists(told)).select_related("payment__method").order_by("pk")


def count_by_hand(coach: Coach | None = None) -> int:
    """Return how many payments wait for an answer and how many refunds are to be sent, together; two queries."""
    waiting = payments_by_hand(coach).filter(handed_in_at__isnull=False, received_at__isnull=True)
    return waiting.count() + refunds_by_hand(coach).filter(state=RefundState.PENDING).count()
