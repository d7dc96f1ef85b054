"""Text and properties out of PDF, DOCX and XLSX bytes.

Files of bidders are hostile input: sizes are bounded, XML is read without entities or network,
and what cannot be read becomes a sentence in the result, never an exception.
"""

import re
import threading
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any, Final

import pikepdf
import pypdfium2
from lxml import etree

from supervision.forensics.domain import FileText, Trait

MOST_PAGES: Final = 5_000
LARGEST_PART: Final = 64 * 1024 * 1024
MOST_SHEETS: Final = 200
LONGEST_VALUE: Final = 200
# Everything but the line feed, and halves of characters that stand alone.
CONTROL: Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
# Data in a prescribed form is alike in every bid.
STRUCTURED: Final = (".json", ".xml", ".csv")
# PDFium is not safe to be called from two threads.
_PDFIUM: Final = threading.Lock()

_PDF_FIELDS: Final = {
    "/Author": "pdf:author",
    "/Creator": "pdf:creator",
    "/Producer": "pdf:producer",
    "/Company": "pdf:company",
}
_CORE_FIELDS: Final = {
    "creator": "office:author",
    "lastModifiedBy": "office:last-modified-by",
}
_APP_FIELDS: Final = {
    "Company": "office:company",
    "Manager": "office:manager",
    "Application": "office:application",
    "Template": "office:template",
}
_XMP_IDS: Final = {
    "{http://ns.adobe.com/xap/1.0/mm/}DocumentID": "pdf:document-id",
    "{http://ns.adobe.com/xap/1.0/mm/}OriginalDocumentID": "pdf:original-document-id",
}


def read_file(name: str, raw: bytes) -> FileText:
    """What can be read of a file; its kind is told by its bytes, not by its name."""
    name = clean(name)
    if raw.startswith(b"%PDF"):
        return _guarded(name, raw, _pdf)
    if raw.startswith(b"PK\x03\x04"):
        return _guarded(name, raw, _office)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return FileText(file=name, problem=f"{name}: no text is read from this kind of file")
    if "\0" in text or name.lower().endswith(STRUCTURED):
        return FileText(file=name)
    return FileText(file=name, pages=(clean(text),))


def clean(text: str) -> str:
    """The text in a form that can be quoted in a statement: NFC, no control characters."""
    plain = unicodedata.normalize("NFC", text.replace("\r\n", "\n"))
    return CONTROL.sub(" ", plain)


def _guarded(name: str, raw: bytes, reader: Callable[[str, bytes], FileText]) -> FileText:
    try:
        return reader(name, raw)
    except (
        pypdfium2.PdfiumError,
        pikepdf.PdfError,
        zipfile.BadZipFile,
        etree.XMLSyntaxError,
        NotImplementedError,
        UnicodeError,
        OSError,
        KeyError,
        ValueError,
        RuntimeError,
    ) as fault:
        return FileText(file=name, problem=f"{name}: cannot be read ({type(fault).__name__})")


def _pdf(name: str, raw: bytes) -> FileText:
    with _PDFIUM:
        pages, problem = _pdf_pages(name, raw)
    return FileText(file=name, pages=pages, traits=tuple(_pdf_traits(name, raw)), problem=problem)


def _pdf_pages(name: str, raw: bytes) -> tuple[tuple[str, ...], str | None]:
    document = pypdfium2.PdfDocument(raw)
    try:
        count = len(document)
        pages = []
        for number in range(min(count, MOST_PAGES)):
            page = document[number]
            text = page.get_textpage()
            pages.append(clean(text.get_text_range()))
            text.close()
            page.close()
    finally:
        document.close()
    if count > MOST_PAGES:
        return tuple(pages), f"{name}: only the first {MOST_PAGES} of {count} pages were read"
    if count and not any(page.strip() for page in pages):
        return tuple(pages), f"{name}: its pages are images without text"
    return tuple(pages), None


def _pdf_traits(name: str, raw: bytes) -> Iterator[Trait]:
    with pikepdf.open(BytesIO(raw)) as document:
        for key, label in _PDF_FIELDS.items():
            value = document.docinfo.get(key)
            if value is not None:
                yield from _trait(label, str(value), name)
        identity = document.trailer.get("/ID")
        if identity is not None and len(identity) > 0:
            # The first half is kept through every later saving of the same file.
            yield from _trait("pdf:id", bytes(identity[0]).hex(), name, identifier=True)
        with document.open_metadata(set_pikepdf_as_editor=False, update_docinfo=False) as xmp:
            for key, label in _XMP_IDS.items():
                if key in xmp:
                    yield from _trait(label, str(xmp[key]), name, identifier=True)


def _office(name: str, raw: bytes) -> FileText:
    with zipfile.ZipFile(BytesIO(raw)) as archive:
        names = set(archive.namelist())
        traits = list(_office_traits(archive, names, name))
        if "word/document.xml" in names:
            pages = _docx_pages(archive)
        elif "xl/workbook.xml" in names:
            pages = tuple(_xlsx_sheets(archive, names))
        else:
            return FileText(file=name, problem=f"{name}: no text is read from this kind of archive")
    return FileText(file=name, pages=pages, traits=tuple(traits))


def _xml(archive: zipfile.ZipFile, part: str) -> Any:
    with archive.open(part) as source:
        raw = source.read(LARGEST_PART + 1)
    if len(raw) > LARGEST_PART:
        raise ValueError("part too large")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    return etree.fromstring(raw, parser)


def _local(element: Any) -> str:
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _docx_pages(archive: zipfile.ZipFile) -> tuple[str, ...]:
    """Paragraphs as lines; a page ends where Word last broke it or the author said so."""
    pages: list[list[str]] = [[]]
    for element in _xml(archive, "word/document.xml").iter():
        match _local(element):
            case "p":
                pages[-1].append("\n")
            case "t":
                pages[-1].append(element.text or "")
            case "lastRenderedPageBreak":
                pages.append([])
            case "br" if "page" in element.attrib.values():
                pages.append([])
    return tuple(clean("".join(page)).strip("\n") for page in pages)


def _xlsx_sheets(archive: zipfile.ZipFile, names: set[str]) -> Iterator[str]:
    shared: list[str] = []
    if "xl/sharedStrings.xml" in names:
        shared = [_texts(item, {"t"}) for item in _xml(archive, "xl/sharedStrings.xml")]
    sheets = sorted(part for part in names if part.startswith("xl/worksheets/sheet"))
    for sheet in sheets[:MOST_SHEETS]:
        rows = (row for row in _xml(archive, sheet).iter() if _local(row) == "row")
        yield clean("\n".join(" | ".join(_cell(cell, shared) for cell in row) for row in rows))


def _cell(cell: Any, shared: list[str]) -> str:
    value = _texts(cell, {"v", "t"})
    if cell.get("t") == "s" and value.isdecimal() and int(value) < len(shared):
        return shared[int(value)]
    return value


def _texts(element: Any, names: set[str]) -> str:
    return "".join(node.text or "" for node in element.iter() if _local(node) in names)


def _office_traits(archive: zipfile.ZipFile, names: set[str], name: str) -> Iterator[Trait]:
    for part, fields in (("docProps/core.xml", _CORE_FIELDS), ("docProps/app.xml", _APP_FIELDS)):
        for element in _xml(archive, part) if part in names else ():
            label = fields.get(_local(element))
            if label is not None:
                yield from _trait(label, element.text or "", name)
    for part in ("word/settings.xml", "xl/workbook.xml"):
        for element in _xml(archive, part).iter() if part in names else ():
            yield from _part_trait(element, name)


def _part_trait(element: Any, name: str) -> Iterator[Trait]:
    """What an element of the settings or the workbook tells of the file's making."""
    value = next((v for k, v in element.attrib.items() if k.endswith("}val")), "")
    match _local(element):
        case "rsidRoot":
            yield from _trait("docx:first-editing-session", value, name, identifier=True)
        case "docId":
            yield from _trait("docx:document-id", value, name, identifier=True)
        case "absPath":
            yield from _trait("xlsx:folder", element.get("url", ""), name)


def _trait(label: str, value: str, file: str, *, identifier: bool = False) -> Iterator[Trait]:
    cleaned = " ".join(clean(value).split())[:LONGEST_VALUE]
    if cleaned:
        yield Trait(field=label, value=cleaned, file=file, identifier=identifier)
