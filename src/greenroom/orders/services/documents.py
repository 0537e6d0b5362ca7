"""Receipts and refund notes: numbered without gaps, frozen when they are issued, never changed afterwards."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Sum

from greenroom.core import audit
from greenroom.core.actors import SYSTEM
from greenroom.core.money import Money
from greenroom.core.transactions import unit_of_work
from greenroom.jobs import services as jobs
from greenroom.notifications.services import plan_message
from greenroom.notifications.types import NewMessage
from greenroom.orders import queries, rules
from greenroom.orders.errors import DocumentTooEarlyError
from greenroom.orders.models import Document, DocumentSeries, Order
from greenroom.orders.pricing import tax_within
from greenroom.orders.types import DocumentKind
from greenroom.payments import queries as payments
from greenroom.payments.types import Movement

MAIL = "orders.document"
# Money that moved longer ago is documented without a mail: nobody waits for it any more.
_NEWS_FOR = timedelta(days=14)
_AT_ONCE = 500


def plan_missing_documents(*, now: datetime) -> int:
    """Plan the issue of every document that is missing, and return of how many.

    It compares the ledger with the documents, once a minute. Payments know nothing of documents, and need not: a
    movement of money is in the ledger as soon as it is true, so none is forgotten, whatever crashed in between, and
    what was paid before documents existed gets one too. A second call finds nothing left to plan. Each document is a
    due row of its own: one that cannot be issued is seen on the health page and keeps no other waiting.
    """
    # Looked up before the transaction: with 100,000 movements it takes 0.15 s, for which nobody else should wait.
    missing = list(queries.movements_to_document().values_list("pk", flat=True)[:_AT_ONCE])
    if not missing:
        return 0
    with unit_of_work():
        for entry_id in missing:
            payload = {"entry_id": entry_id}
            jobs.plan(kind=queries.ISSUE, key=queries.issue_key(entry_id), due_at=now, now=now, payload=payload)
    return len(missing)


def issue_document(*, entry_id: int, now: datetime) -> Document | None:
    """Issue the document of one movement of money, and plan its mail; None when the movement gets none.

    Payments that did not fit their order and second payments get none, nor does what goes back of them. Locks the
    series, which stays locked until the commit: a number is given out together with its document or not at all.
    A second call returns the document that was issued.
    Raises: DocumentTooEarlyError while the document it refers to is missing.
    """
    with unit_of_work():
        movement = payments.get_movement(entry_id)
        if not movement.counts:
            return None
        order = Order.objects.select_related("coach").get(ref=movement.order_ref)
        series = _lock_series(rules.document_kind(movement.kind), is_test=order.is_test)
        # Under the lock: whoever else worked on this movement has committed.
        issued = Document.objects.filter(entry=entry_id).first()
        if issued is not None:
            return issued
        document = _freeze(movement, order, series, entry_id, now)
        audit.record(
            actor=SYSTEM,
            action="document.issue",
            target=document,
            now=now,
            after={
                "label": document.label,
                "amount_minor": document.amount_minor,
                "currency": document.currency,
                "order": order.ref,
            },
        )
        _plan_mail(document, now)
        return document


def _lock_series(kind: DocumentKind, *, is_test: bool) -> DocumentSeries:
    series, _made = DocumentSeries.objects.select_for_update(no_key=True).get_or_create(kind=kind, is_test=is_test)
    return series


def _freeze(movement: Movement, order: Order, series: DocumentSeries, entry_id: int, now: datetime) -> Document:
    kind = DocumentKind(series.kind)
    refers_to = None if kind is DocumentKind.RECEIPT else queries.find_referred(movement)
    if refers_to is None and kind is not DocumentKind.RECEIPT:
        raise DocumentTooEarlyError
    series.last_number += 1
    series.save(update_fields=["last_number"])
    issued_on = now.astimezone(ZoneInfo(settings.TIME_ZONE)).date()
    amount = rules.signed_amount(kind, movement.amount)
    return Document.objects.create(
        kind=kind,
        is_test=order.is_test,
        number=series.last_number,
        label=rules.document_label(kind, series.last_number, year=issued_on.year, is_test=order.is_test),
        order=order,
        entry_id=entry_id,
        refers_to=refers_to,
        issued_at=now,
        issued_on=issued_on,
        moved_at=movement.at,
        amount_minor=amount.minor,
        currency=amount.currency,
        seller_name=order.coach.display_name,
        buyer_name=order.name,
        buyer_email=order.email,
        lines=_lines(kind, order, movement, amount.minor),
        tax_words=order.tax_words,
        tax_minor=_tax_minor(order, amount),
    )


def _tax_minor(order: Order, amount: Money) -> int:
    """Return the tax in an amount so that the documents of an order never name more or less of it than there is.

    It is what the tax of all that is kept changes by: the parts of a refund add up to the whole.
    """
    sums = order.documents.aggregate(amount=Sum("amount_minor"), tax=Sum("tax_minor"))
    kept = Money((sums["amount"] or 0) + amount.minor, amount.currency)
    return tax_within(kept, order_total=order.total, order_tax=order.tax).minor - (sums["tax"] or 0)


def _lines(kind: DocumentKind, order: Order, movement: Movement, amount_minor: int) -> list[dict[str, str | int]]:
    lines = list(order.lines.all())
    if kind is DocumentKind.RECEIPT:
        return [{"title": line.title, "minor": line.price_minor} for line in lines]
    if movement.lines:
        sign, titles = (1 if amount_minor > 0 else -1), {line.position: line.title for line in lines}
        return [{"title": titles[number], "minor": sign * minor} for number, minor in movement.lines]
    return [{"title": "; ".join(line.title for line in lines), "minor": amount_minor}]


def _plan_mail(document: Document, now: datetime) -> None:
    useful_until = document.moved_at + _NEWS_FOR
    if useful_until > now:
        key = f"{MAIL}:{document.pk}"
        plan_message(NewMessage(MAIL, key, document.buyer_email, document.pk, now, useful_until), now=now)
