"""The file for bookkeeping: one row a document, as CSV that spreadsheets read and that carries no formulas."""

import csv
from collections.abc import Iterable, Iterator
from datetime import UTC
from decimal import Decimal
from typing import Any

from greenroom.core.money import Money
from greenroom.orders.models import Document
from greenroom.orders.types import DocumentKind

BYTE_ORDER_MARK = "\ufeff"  # by it spreadsheets know that this is UTF-8
COLUMNS = (
    "number",
    "kind",
    "issued_on",
    "moved_at_utc",
    "refers_to",
    "order",
    "buyer",
    "email",
    "description",
    "currency",
    "amount",
    "fee",
    "fee_currency",
    "test",
)
# OWASP, "CSV Injection": cells that begin so are read as formulas; full-width signs count in some languages.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


class _Echo:
    """A file for `csv.writer` that hands each line back."""

    @staticmethod
    def write(line: str) -> str:
        return line


def csv_lines(documents: Iterable[Document]) -> Iterator[str]:
    """Write the whole file, line by line, with its byte order mark.

    Amounts are plain decimals in the major unit, below zero for money that went back. Text is quoted, so that a
    separator of another language inside it does not begin a cell.
    """
    writer = csv.writer(_Echo(), quoting=csv.QUOTE_NONNUMERIC)
    yield BYTE_ORDER_MARK + writer.writerow(COLUMNS)
    for document in documents:
        yield writer.writerow(_row(document))


def _row(document: Document) -> list[str | Decimal]:
    return [
        document.label,
        document.kind,
        document.issued_on.isoformat(),
        f"{document.moved_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        document.refers_to.label if document.refers_to else "",
        safe_cell(document.order.ref),
        safe_cell(document.buyer_name),
        safe_cell(document.buyer_email),
        safe_cell("; ".join(title for title, _amount in document.printed_lines)),
        document.currency,
        plain_decimal(document.amount),
        *_fee_cells(document),
        "test" if document.is_test else "",
    ]


def _fee_cells(document: Any) -> tuple[Decimal | str, str]:  # noqa: ANN401 -- a Document with the query's annotations
    """Return what the gateway kept, in the row of the receipt; empty while it is not known."""
    if document.kind != DocumentKind.RECEIPT or document.fee_minor is None:
        return "", ""
    return plain_decimal(Money(document.fee_minor, document.fee_currency)), document.fee_currency


def safe_cell(text: str) -> str:
    """Return text that a spreadsheet shows and does not calculate: what looks like a formula gets an apostrophe."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def plain_decimal(amount: Money) -> Decimal:
    """Return an amount in its major unit: 80.50 EUR, 8000 JPY, -1.500 KWD."""
    return Decimal(amount.minor).scaleb(-amount.exponent)
