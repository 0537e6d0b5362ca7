"""Reading orders and their documents."""

from django.db.models import CharField, Exists, OuterRef, QuerySet, Value
from django.db.models.functions import Cast, Concat

from greenroom.core.ids import read_signed_ref, sign_ref
from greenroom.jobs.models import Job
from greenroom.orders.models import Document
from greenroom.orders.types import DocumentKind
from greenroom.payments.models import LedgerEntry
from greenroom.payments.queries import customer_movements
from greenroom.payments.types import Movement, MovementKind

ISSUE = "orders.issue_document"
DOCUMENT_PURPOSE = "orders.document"


def issue_key(entry_id: int) -> str:
    """Return the key of the due row that issues the document of a ledger entry."""
    return f"{ISSUE}:{entry_id}"


def movements_to_document() -> QuerySet[LedgerEntry]:
    """Return the movements of customers' money that have no document and no due row that would issue it."""
    key = Concat(Value(f"{ISSUE}:"), Cast(OuterRef("pk"), CharField()))
    undocumented = customer_movements().filter(document__isnull=True)
    return undocumented.exclude(Exists(Job.objects.filter(key=key)))


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
