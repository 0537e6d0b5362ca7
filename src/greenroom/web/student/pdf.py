"""A receipt or refund note as a PDF file: one sheet of A4, the same bytes every time."""

import io
import unicodedata
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from greenroom.core.money import Money
from greenroom.notifications import display
from greenroom.web.student.sheets import Sheet

if TYPE_CHECKING:
    from reportlab.pdfgen.canvas import Canvas

_PLAIN, _BOLD = "DejaVuSans", "DejaVuSans-Bold"
_WIDTH, _HEIGHT = 595.28, 841.89  # A4 in points
_LEFT, _RIGHT, _BOTTOM = 62.0, _WIDTH - 62.0, 62.0
_LABEL_WIDTH, _AMOUNT_WIDTH = 110.0, 120.0
_TITLE, _TEXT, _SMALL = 20.0, 10.5, 9.0
_LEADING = 1.45
_BLACK, _GREY, _HAIRLINE = 0.0, 0.35, 0.8
_STANDS_FOR_UNKNOWN = "\N{REPLACEMENT CHARACTER}"
_UNKNOWN_WORDS = f"Letters that this file cannot show stand as {_STANDS_FOR_UNKNOWN}; the page on the site shows them."


def pdf_of(sheet: Sheet) -> bytes:
    """Return a document as a PDF file. Nothing in it is read as markup, and no script in a name makes it fail."""
    from reportlab.pdfgen.canvas import Canvas  # noqa: PLC0415 -- slow import

    file = io.BytesIO()
    # Invariant: no clock and no chance in the file, so that it is the same whenever it is asked for.
    canvas = Canvas(file, pagesize=(_WIDTH, _HEIGHT), invariant=1, lang="en")
    canvas.setTitle(f"{sheet.title} {sheet.label}")
    canvas.setCreator("Greenroom")
    pen = _Pen(canvas, _known_letters())
    _draw(pen, sheet)
    canvas.save()
    return file.getvalue()


@cache
def _known_letters() -> frozenset[int]:
    """Register our typeface with the library, once a process, and return the letters that it has."""
    from reportlab.pdfbase.pdfmetrics import registerFont  # noqa: PLC0415 -- slow import
    from reportlab.pdfbase.ttfonts import TTFont  # noqa: PLC0415 -- slow import

    folder = files("greenroom.web").joinpath("fonts")
    letters: frozenset[int] | None = None
    for name in (_PLAIN, _BOLD):
        font = TTFont(name, io.BytesIO(folder.joinpath(f"{name}.ttf").read_bytes()))
        registerFont(font)
        known = frozenset(font.face.charToGlyph)
        letters = known if letters is None else letters & known
    return letters or frozenset()


class _Pen:
    """Writes from the top of a sheet downwards and begins another one when it is full."""

    def __init__(self, canvas: "Canvas", letters: frozenset[int]) -> None:
        self._canvas = canvas
        self._letters = letters
        self._y = _HEIGHT - 72.0
        self.has_unknown = False

    def down(self, points: float) -> None:
        """Leave some room."""
        self._y -= points

    def text(self, text: str, *, font: str = _PLAIN, size: float = _TEXT, grey: float = _BLACK) -> None:
        """Write a paragraph over the whole width."""
        self.columns([(_LEFT, _RIGHT - _LEFT, text, grey)], font=font, size=size)

    def columns(
        self, columns: Iterable[tuple[float, float, str, float]], *, font: str = _PLAIN, size: float = _TEXT
    ) -> None:
        """Write texts beside each other, each at its left edge, in its width and its grey; the longest counts."""
        wrapped = [(x, self._wrap(text, font, size, width), grey) for x, width, text, grey in columns]
        for number in range(max(len(lines) for _x, lines, _grey in wrapped)):
            self._new_line(size)
            for x, lines, grey in wrapped:
                if number < len(lines):
                    self._canvas.setFont(font, size)
                    self._canvas.setFillGray(grey)
                    self._canvas.drawString(x, self._y, lines[number])

    def amount(self, amount: Money, *, font: str = _PLAIN, size: float = _TEXT) -> None:
        """Write an amount at the right edge of the line that was written last."""
        self._canvas.setFont(font, size)
        self._canvas.setFillGray(_BLACK)
        self._canvas.drawRightString(_RIGHT, self._y, self._printable(display.money(amount)))

    def rule(self) -> None:
        """Draw a line over the whole width."""
        self._y -= _TEXT * 0.7
        self._canvas.setStrokeGray(_HAIRLINE)
        self._canvas.setLineWidth(0.6)
        self._canvas.line(_LEFT, self._y, _RIGHT, self._y)
        self._y -= _TEXT * 0.3

    def _new_line(self, size: float) -> None:
        self._y -= size * _LEADING
        if self._y < _BOTTOM:
            self._canvas.showPage()
            self._y = _HEIGHT - 72.0

    def _wrap(self, text: str, font: str, size: float, width: float) -> list[str]:
        """Break text at spaces, and a word that is longer than a line anywhere."""
        lines = [""]
        for word in self._printable(text).split():
            rest = word
            while rest:
                joined = f"{lines[-1]} {rest}" if lines[-1] else rest
                if self._canvas.stringWidth(joined, font, size) <= width:
                    lines[-1], rest = joined, ""
                elif lines[-1]:
                    lines.append("")
                else:
                    fits = self._count_that_fits(rest, font, size, width)
                    lines[-1], rest = rest[:fits], rest[fits:]
        return lines

    def _count_that_fits(self, word: str, font: str, size: float, width: float) -> int:
        fits = len(word)
        while fits > 1 and self._canvas.stringWidth(word[:fits], font, size) > width:
            fits -= 1
        return fits

    def _printable(self, text: str) -> str:
        """Return text with a mark for every letter that the typeface has not."""
        kept = []
        for letter in unicodedata.normalize("NFC", text):
            is_known = ord(letter) in self._letters or letter.isspace()
            self.has_unknown = self.has_unknown or not is_known
            kept.append(letter if is_known else _STANDS_FOR_UNKNOWN)
        return "".join(kept)


def _draw(pen: _Pen, sheet: Sheet) -> None:
    if sheet.test_words:
        pen.text("TEST", font=_BOLD, size=_TITLE, grey=_GREY)
        pen.text(sheet.test_words, font=_BOLD)
        pen.down(14)
    pen.text(sheet.title, font=_BOLD, size=_TITLE)
    pen.text(sheet.label, size=_TITLE * 0.7, grey=_GREY)
    pen.down(14)
    for label, text in sheet.facts:
        value = (_LEFT + _LABEL_WIDTH, _RIGHT - _LEFT - _LABEL_WIDTH, text, _BLACK)
        pen.columns([(_LEFT, _LABEL_WIDTH, label, _GREY), value])
        pen.rule()
    pen.down(18)
    for title, amount in sheet.lines:
        pen.columns([(_LEFT, _RIGHT - _LEFT - _AMOUNT_WIDTH, title, _BLACK)])
        pen.amount(amount)
        pen.down(3)
    pen.rule()
    pen.text("Total", font=_BOLD)
    pen.amount(sheet.total, font=_BOLD)
    pen.down(18)
    if sheet.note:
        pen.text(sheet.note, size=_SMALL, grey=_GREY)
    if pen.has_unknown:
        pen.text(_UNKNOWN_WORDS, size=_SMALL, grey=_GREY)
