"""Sets a document on A4 pages: type embedded, table heads repeated, sid and QR on every page."""

from collections.abc import Callable, Sequence
from datetime import UTC
from io import BytesIO
from typing import Any, Final
from xml.sax.saxutils import escape

import segno
from reportlab.lib.colors import Color, HexColor
from reportlab.lib.enums import TA_CENTER, TA_LEFT, TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    KeepTogether,
    LongTable,
    PageTemplate,
    Paragraph,
    Spacer,
    TableStyle,
)

from foundation.documents.font import Typeface, missing
from foundation.documents.model import (
    Align,
    Banner,
    Block,
    Document,
    Facts,
    Heading,
    Signatories,
    Table,
    Text,
)

INK: Final = HexColor("#17202b")
QUIET: Final = HexColor("#55616e")
RULE: Final = HexColor("#c3cad2")
HEAD: Final = HexColor("#e9edf1")
TONES: Final = {
    "proven": HexColor("#1b6e4f"),
    "refused": HexColor("#a8281e"),
    "plain": INK,
}
MARGIN: Final = 20 * mm
FOOT: Final = 32 * mm
QR_SIDE: Final = 18 * mm
PRODUCER: Final = "Sunbid"
ALIGNMENT: Final = {"left": TA_LEFT, "right": TA_RIGHT, "centre": TA_CENTER}
# One em in fifty thickens the strokes to about weight 600 without a second font file.
BOLD_STROKE: Final = 0.02
GRID: Final = (
    ("BACKGROUND", (0, 0), (-1, 0), HEAD),
    ("LINEBELOW", (0, 0), (-1, 0), 0.9, INK),
    ("LINEBELOW", (0, 1), (-1, -1), 0.4, RULE),
    ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ("LEFTPADDING", (0, 0), (-1, -1), 4),
    ("RIGHTPADDING", (0, 0), (-1, -1), 4),
    ("TOPPADDING", (0, 0), (-1, -1), 3),
    ("BOTTOMPADDING", (0, 0), (-1, -1), 4),
)


def render(document: Document, face: Typeface) -> bytes:
    """The document as PDF, not yet signed; the same document and font give the same bytes."""
    buffer = BytesIO()
    page = PageTemplate(
        id="page",
        frames=[
            Frame(MARGIN, FOOT, A4[0] - 2 * MARGIN, A4[1] - MARGIN - FOOT, 0, 0, 0, 0),
        ],
    )
    template = BaseDocTemplate(
        buffer,
        pagesize=A4,
        pageTemplates=[page],
        title=document.title,
        author=document.issuer,
        subject=document.number,
        keywords=f"sid:{document.sid}",
        creator=PRODUCER,
        producer=PRODUCER,
        lang=document.furniture.language,
        invariant=1,
    )
    setter = _Setter(face)
    flow: list[Flowable] = setter.head(document)
    for block in document.blocks:
        flow += setter.block(block)
    template.build(flow, canvasmaker=_paged_canvas(document, face))
    return buffer.getvalue()


def shown(face: Typeface, text: str) -> str:
    """The text with every character that the font lacks replaced by its code, never dropped."""
    lacking = missing(face, text)
    if not lacking:
        return text
    return "".join(f"〓[U+{ord(char):04X}]" if char in lacking else char for char in text)


class _Strong(Flowable):  # type: ignore[misc]  # reportlab has no types
    """A paragraph whose letters are also stroked: bold type without a bold font."""

    def __init__(self, paragraph: Paragraph, size: float, colour: Color) -> None:
        super().__init__()
        self._paragraph = paragraph
        self._stroke = size * BOLD_STROKE
        self._colour = colour
        self.keepWithNext = 1

    def wrap(self, width: float, height: float) -> tuple[float, float]:
        self.width, self.height = self._paragraph.wrap(width, height)
        return self.width, self.height

    def draw(self) -> None:
        canvas = self.canv
        canvas.saveState()
        canvas.setStrokeColor(self._colour)
        canvas.setLineWidth(self._stroke)
        mode = canvas.beginText()
        mode.setTextRenderMode(2)
        canvas.drawText(mode)
        self._paragraph.drawOn(canvas, 0, 0)
        canvas.restoreState()


class _Setter:
    """Turns blocks into flowables of one typeface."""

    def __init__(self, face: Typeface) -> None:
        self._face = face

    def head(self, document: Document) -> list[Flowable]:
        flow: list[Flowable] = [
            self._text(document.issuer, size=9, colour=QUIET),
            Spacer(0, 2 * mm),
            self._strong(document.title, size=19),
        ]
        if document.subtitle:
            flow.append(self._text(document.subtitle, size=11, before=1.5 * mm))
        if document.number:
            flow.append(self._text(document.number, size=9, colour=QUIET, before=1 * mm))
        flow.append(Spacer(0, 5 * mm))
        return flow

    def block(self, block: Block) -> list[Flowable]:
        match block:
            case Banner():
                return self._banner(block)
            case Heading():
                heading = self._strong(block.text, size=12)
                heading.spaceBefore, heading.spaceAfter = 3 * mm, 2 * mm
                return [heading]
            case Text():
                size = 8.5 if block.note else 10.5
                colour = QUIET if block.note else INK
                return [
                    self._text(line, size=size, colour=colour, after=1.5 * mm)
                    for line in block.paragraphs
                ]
            case Facts():
                return self._facts(block)
            case Table():
                return self._table(block)
            case Signatories():
                return self._signatories(block)

    def _banner(self, banner: Banner) -> list[Flowable]:
        colour = TONES[banner.tone]
        lines: list[Flowable] = [self._strong(banner.word, size=22, colour=colour)]
        lines += [self._text(line, size=11, before=1 * mm) for line in banner.lines]
        box = LongTable([[lines]], colWidths=[A4[0] - 2 * MARGIN])
        box.setStyle(
            TableStyle(
                [
                    ("LINEABOVE", (0, 0), (-1, 0), 2.4, colour),
                    ("BOX", (0, 0), (-1, -1), 0.5, RULE),
                    ("LEFTPADDING", (0, 0), (-1, -1), 10),
                    ("TOPPADDING", (0, 0), (-1, -1), 8),
                    ("BOTTOMPADDING", (0, 0), (-1, -1), 10),
                ]
            )
        )
        return [box, Spacer(0, 4 * mm)]

    def _facts(self, facts: Facts) -> list[Flowable]:
        rows = [
            [self._text(label, size=9, colour=QUIET), self._text(value, size=9)]
            for label, value in facts.rows
        ]
        width = A4[0] - 2 * MARGIN
        table = LongTable(rows, colWidths=[width * 0.24, width * 0.76])
        table.setStyle(
            TableStyle(
                [
                    ("LINEBELOW", (0, 0), (-1, -1), 0.4, RULE),
                    ("LINEABOVE", (0, 0), (-1, 0), 0.4, RULE),
                    ("VALIGN", (0, 0), (-1, -1), "TOP"),
                    ("LEFTPADDING", (0, 0), (-1, -1), 2),
                    ("TOPPADDING", (0, 0), (-1, -1), 3),
                    ("BOTTOMPADDING", (0, 0), (-1, -1), 4),
                ]
            )
        )
        return [table, Spacer(0, 4 * mm)]

    def _table(self, table: Table) -> list[Flowable]:
        flow: list[Flowable] = []
        if table.caption:
            flow.append(self._text(table.caption, size=9, colour=QUIET, after=1 * mm))
        if not table.rows:
            return [*flow, self._text(table.empty, size=10), Spacer(0, 4 * mm)]
        total = sum(column.share for column in table.columns)
        width = A4[0] - 2 * MARGIN
        aligns = [column.align for column in table.columns]
        cells = [
            [
                self._text(column.label, size=8.5, colour=QUIET, align=column.align)
                for column in table.columns
            ],
            *(self._row(row, aligns) for row in table.rows),
        ]
        grid = LongTable(
            cells,
            colWidths=[width * column.share / total for column in table.columns],
            repeatRows=1,
        )
        grid.setStyle(TableStyle(GRID))
        return [*flow, grid, Spacer(0, 4 * mm)]

    def _row(self, row: Sequence[str], aligns: Sequence[Align]) -> list[Paragraph]:
        return [
            self._text(value, size=9, align=align) for value, align in zip(row, aligns, strict=True)
        ]

    def _signatories(self, block: Signatories) -> list[Flowable]:
        people = [
            [
                self._text(person.part, size=8.5, colour=QUIET),
                self._text(person.name, size=10.5),
                self._text(person.mark, size=8, colour=QUIET),
            ]
            for person in block.people
        ]
        columns = 3
        while people and len(people) % columns:
            people.append([])
        rows = [people[start : start + columns] for start in range(0, len(people), columns)]
        if not rows:
            return []
        grid = LongTable(rows, colWidths=[(A4[0] - 2 * MARGIN) / columns] * columns)
        grid.setStyle(
            TableStyle(
                [
                    ("VALIGN", (0, 0), (-1, -1), "TOP"),
                    ("LINEABOVE", (0, 0), (-1, -1), 0.4, RULE),
                    ("LEFTPADDING", (0, 0), (-1, -1), 2),
                ]
            )
        )
        return [KeepTogether([grid, Spacer(0, 4 * mm)])]

    def _strong(self, text: str, *, size: float, colour: Color = INK) -> Flowable:
        return _Strong(self._text(text, size=size, colour=colour), size, colour)

    def _text(
        self,
        text: str,
        *,
        size: float,
        colour: Color = INK,
        align: Align = "left",
        before: float = 0,
        after: float = 0,
    ) -> Paragraph:
        style = ParagraphStyle(
            name="text",
            fontName=self._face.name,
            fontSize=size,
            leading=size * 1.55,
            textColor=colour,
            alignment=ALIGNMENT[align],
            spaceBefore=before,
            spaceAfter=after,
            # Chinese has no blanks to break a line at.
            wordWrap="CJK",
        )
        return Paragraph(escape(shown(self._face, text)).replace("\n", "<br/>"), style)


def _paged_canvas(document: Document, face: Typeface) -> Callable[..., Canvas]:
    """A canvas that keeps its pages until it knows how many there are, then sets every foot."""
    code = segno.make(document.qr_text, error="m", micro=False)
    modules = [[bool(cell) for cell in row] for row in code.matrix]
    instant = document.made_at.astimezone(UTC)

    class Paged(Canvas):  # type: ignore[misc]  # reportlab has no types
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **(kwargs | {"initialFontName": face.name}))
            self._kept: list[dict[str, Any]] = []
            # The clock of the machine stays out of the file; the document's own time goes in.
            self.setDateFormatter(lambda *_: instant.strftime("D:%Y%m%d%H%M%SZ"))

        def showPage(self) -> None:  # noqa: N802 - reportlab's name
            self._kept.append(dict(self.__dict__))
            self._startPage()

        def save(self) -> None:
            for number, state in enumerate(self._kept, start=1):
                self.__dict__.update(state)
                _foot(self, document, face, modules, (number, len(self._kept)))
                super().showPage()
            super().save()

    return Paged


def _foot(
    canvas: Canvas,
    document: Document,
    face: Typeface,
    modules: list[list[bool]],
    page: tuple[int, int],
) -> None:
    """The stamp line of one page: what proves it, its sid, its number and its code."""
    canvas.saveState()
    canvas.setStrokeColor(RULE)
    canvas.setLineWidth(0.5)
    canvas.line(MARGIN, FOOT - 4 * mm, A4[0] - MARGIN, FOOT - 4 * mm)
    canvas.setFillColor(QUIET)
    left = MARGIN + QR_SIDE + 4 * mm
    canvas.setFont(face.name, 7.5)
    frame = document.furniture
    lines = [shown(face, frame.stamp), f"{frame.sid_label} {document.sid}"]
    lines.append(frame.page_text.format(page=page[0], pages=page[1]))
    for number, line in enumerate(lines):
        canvas.drawString(left, FOOT - 9 * mm - number * 4.2 * mm, line)
    canvas.setFillColor(INK)
    side = QR_SIDE / len(modules)
    path = canvas.beginPath()
    for row, cells in enumerate(modules):
        for column, dark in enumerate(cells):
            if dark:
                path.rect(MARGIN + column * side, FOOT - 6 * mm - (row + 1) * side, side, side)
    canvas.drawPath(path, stroke=0, fill=1)
    canvas.restoreState()
