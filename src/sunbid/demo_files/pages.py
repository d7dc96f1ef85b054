"""Writes the demonstration's PDF files: plain running text, as a bidder's office would print it."""

import hashlib
import re
from collections.abc import Sequence
from datetime import UTC
from io import BytesIO
from typing import Any, Final
from xml.sax.saxutils import escape

from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer

from foundation.documents.font import Typeface
from sunbid.demo_files.office import FileProperties, Part

MARGIN: Final = 25 * mm
IDENTIFIER: Final = re.compile(rb"/ID\s*\[<([0-9a-f]{32})><\1>\]")


def pdf(
    title: str,
    parts: Sequence[Part],
    properties: FileProperties,
    *,
    face: Typeface,
    page_text: str,
    note: str,
) -> bytes:
    """A PDF of headed paragraphs; the note stands at the foot of every page."""
    styles = {
        name: ParagraphStyle(
            name=name,
            fontName=face.name,
            fontSize=size,
            leading=size * 1.7,
            firstLineIndent=indent,
            spaceBefore=before,
            wordWrap="CJK",
        )
        for name, size, indent, before in (
            ("title", 18, 0, 0),
            ("heading", 13, 0, 8),
            ("text", 10.5, 21, 2),
        )
    }
    flow: list[Flowable] = [Paragraph(escape(title), styles["title"]), Spacer(0, 8 * mm)]
    for part in parts:
        flow.append(Paragraph(escape(part.heading), styles["heading"]))
        flow += [Paragraph(escape(text), styles["text"]) for text in part.paragraphs]

    def foot(canvas: Canvas, _: Any) -> None:
        at = properties.at.astimezone(UTC).strftime("D:%Y%m%d%H%M%SZ")
        canvas.setDateFormatter(lambda *_: at)
        canvas.setFont(face.name, 8)
        canvas.drawString(MARGIN, 12 * mm, note)
        canvas.drawRightString(
            A4[0] - MARGIN, 12 * mm, page_text.format(page=canvas.getPageNumber())
        )

    buffer = BytesIO()
    SimpleDocTemplate(
        buffer,
        pagesize=A4,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=MARGIN,
        bottomMargin=MARGIN,
        title=title,
        author=properties.author,
        creator=properties.software,
        producer=properties.software,
        lang="zh-CN",
        invariant=1,
    ).build(flow, onFirstPage=foot, onLaterPages=foot)
    return _with_own_id(buffer.getvalue())


def _with_own_id(raw: bytes) -> bytes:
    """The file with an identifier made of its content: reportlab's is the same in every file."""
    own = hashlib.sha256(raw).hexdigest()[:32].encode()
    return IDENTIFIER.sub(lambda found: found[0].replace(found[1], own), raw)
