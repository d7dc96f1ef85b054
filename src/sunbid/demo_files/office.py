"""Writes small DOCX and XLSX files, byte for byte the same for the same content.

The usual libraries stamp the machine's time into the archive; the demonstration must not depend
on it, so the few parts that such a file needs are written here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from typing import Final
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

HEAD: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006"
PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
WORD: Final = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
SHEET: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
TYPE: Final = "application/vnd.openxmlformats-"
# The earliest time that a zip entry can carry.
ZIP_EPOCH: Final = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class FileProperties:
    """What an office file tells about its making."""

    author: str
    software: str
    company: str
    at: datetime
    edit_session: str


@dataclass(frozen=True, slots=True)
class Part:
    """A heading with its paragraphs."""

    heading: str
    paragraphs: tuple[str, ...]


def docx(title: str, parts: Sequence[Part], properties: FileProperties) -> bytes:
    """A text document with headings."""
    body = [_paragraph(title, 36)]
    for part in parts:
        body.append(_paragraph(part.heading, 28))
        body += [_paragraph(text, 21) for text in part.paragraphs]
    document = f'<w:document xmlns:w="{WORD}"><w:body>{"".join(body)}</w:body></w:document>'
    session = properties.edit_session
    settings = (
        f'<w:settings xmlns:w="{WORD}"><w:rsids><w:rsidRoot w:val="{session}"/>'
        f'<w:rsid w:val="{session}"/></w:rsids></w:settings>'
    )
    return _package(
        {"word/document.xml": document, "word/settings.xml": settings},
        main="word/document.xml",
        types={
            "word/document.xml": f"{TYPE}officedocument.wordprocessingml.document.main+xml",
            "word/settings.xml": f"{TYPE}officedocument.wordprocessingml.settings+xml",
        },
        relations={"word/settings.xml": "settings"},
        properties=properties,
    )


def xlsx(sheet: str, rows: Sequence[Sequence[str]], properties: FileProperties) -> bytes:
    """A workbook of one sheet; every cell is text."""
    lines = []
    for number, row in enumerate(rows, start=1):
        cells = "".join(
            f'<c r="{chr(65 + place)}{number}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'
            for place, value in enumerate(row)
        )
        lines.append(f'<row r="{number}">{cells}</row>')
    data = f'<worksheet xmlns="{SHEET}"><sheetData>{"".join(lines)}</sheetData></worksheet>'
    book = (
        f'<workbook xmlns="{SHEET}" xmlns:r="{OFFICE}/relationships"><sheets>'
        f'<sheet name="{escape(sheet)}" sheetId="1" r:id="rId1"/></sheets></workbook>'
    )
    return _package(
        {"xl/workbook.xml": book, "xl/worksheets/sheet1.xml": data},
        main="xl/workbook.xml",
        types={
            "xl/workbook.xml": f"{TYPE}officedocument.spreadsheetml.sheet.main+xml",
            "xl/worksheets/sheet1.xml": f"{TYPE}officedocument.spreadsheetml.worksheet+xml",
        },
        relations={"xl/worksheets/sheet1.xml": "worksheet"},
        properties=properties,
    )


def _paragraph(text: str, half_points: int) -> str:
    return (
        f'<w:p><w:r><w:rPr><w:sz w:val="{half_points}"/></w:rPr>'
        f'<w:t xml:space="preserve">{escape(text)}</w:t></w:r></w:p>'
    )


def _package(
    parts: dict[str, str],
    *,
    main: str,
    types: dict[str, str],
    relations: dict[str, str],
    properties: FileProperties,
) -> bytes:
    """The archive: content types, relations and properties around the parts given."""
    core = f"{TYPE.replace('officedocument', '')}package.core-properties+xml"
    types = types | {
        "docProps/core.xml": core,
        "docProps/app.xml": f"{TYPE}officedocument.extended-properties+xml",
    }
    overrides = "".join(
        f'<Override PartName="/{name}" ContentType="{kind}"/>' for name, kind in types.items()
    )
    folder, _, name = main.rpartition("/")
    own = {path.removeprefix(f"{folder}/"): kind for path, kind in relations.items()}
    files = {
        "[Content_Types].xml": (
            f'<Types xmlns="{PACKAGE}/content-types">'
            '<Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Default Extension="xml" ContentType="application/xml"/>{overrides}</Types>'
        ),
        "_rels/.rels": _relations(
            {
                main: f"{OFFICE}/relationships/officeDocument",
                "docProps/core.xml": f"{PACKAGE}/relationships/metadata/core-properties",
                "docProps/app.xml": f"{OFFICE}/relationships/extended-properties",
            }
        ),
        f"{folder}/_rels/{name}.rels": _relations(
            {path: f"{OFFICE}/relationships/{kind}" for path, kind in own.items()}
        ),
        **parts,
        "docProps/core.xml": _core(properties),
        "docProps/app.xml": _app(properties),
    }
    buffer = BytesIO()
    with ZipFile(buffer, "w", ZIP_DEFLATED) as archive:
        for path, content in files.items():
            info = ZipInfo(path, ZIP_EPOCH)
            info.compress_type = ZIP_DEFLATED
            archive.writestr(info, HEAD + content)
    return buffer.getvalue()


def _relations(targets: dict[str, str]) -> str:
    lines = "".join(
        f'<Relationship Id="rId{number}" Type="{kind}" Target="{target}"/>'
        for number, (target, kind) in enumerate(targets.items(), start=1)
    )
    return f'<Relationships xmlns="{PACKAGE}/relationships">{lines}</Relationships>'


def _core(properties: FileProperties) -> str:
    at = properties.at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    author = escape(properties.author)
    return (
        f'<cp:coreProperties xmlns:cp="{PACKAGE}/metadata/core-properties" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"<dc:creator>{author}</dc:creator><cp:lastModifiedBy>{author}</cp:lastModifiedBy>"
        f'<dcterms:created xsi:type="dcterms:W3CDTF">{at}</dcterms:created>'
        f'<dcterms:modified xsi:type="dcterms:W3CDTF">{at}</dcterms:modified></cp:coreProperties>'
    )


def _app(properties: FileProperties) -> str:
    return (
        f'<Properties xmlns="{OFFICE}/extended-properties">'
        f"<Application>{escape(properties.software)}</Application>"
        f"<Company>{escape(properties.company)}</Company></Properties>"
    )
