"""Pages of a bidder's files for the reading pane: pictures of PDF pages, text of other files.

The files come from strangers, so that they are read in a process apart that holds no key and no
connection; a file that cannot be read shows as a sentence.
"""

import asyncio
import io
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import active_children, get_context
from pathlib import PurePosixPath
from typing import Final, TypeVar, TypeVarTuple, Unpack

from foundation.problems import Invalid

Words = TypeVarTuple("Words")
Result = TypeVar("Result")
SCALE: Final = 1.6
PATIENCE_S: Final = 20.0
LINES_A_PAGE: Final = 40


class UnreadableSheet(Invalid):
    """This page cannot be shown."""

    code = "unreadable-sheet"


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetFile:
    """How many pages a file has, and the text of one of them where there is no picture."""

    pages: int
    paragraphs: tuple[str, ...]
    is_picture: bool
    is_readable: bool = True


@lru_cache(maxsize=1)
def readers() -> ProcessPoolExecutor:
    """The one process apart, started when the first file is opened."""
    return ProcessPoolExecutor(max_workers=1, mp_context=get_context("spawn"))


def stop_readers() -> None:
    """End the process apart, whatever it is doing; the next file starts a new one.

    Left to itself it would outlive a file that hangs it, and hold up the end of the server.
    """
    if not readers.cache_info().currsize:
        return
    pool = readers()
    readers.cache_clear()
    pool.shutdown(wait=False, cancel_futures=True)
    # A pool by itself waits for a stuck process for ever; this server has no other children of
    # this kind.
    for process in active_children():
        process.kill()


async def read_sheet(name: str, content: bytes, number: int) -> SheetFile:
    """One page of a file, as the pane needs it; what cannot be shown can still be fetched."""
    try:
        return await apart(sheet_of, name, content, number)
    except UnreadableSheet:
        return SheetFile(pages=1, paragraphs=(), is_picture=False, is_readable=False)


async def picture_of(content: bytes, number: int) -> bytes:
    """A PNG of one page of a PDF."""
    return await apart(draw_page, content, number)


async def apart(work: Callable[[Unpack[Words]], Result], *words: *Words) -> Result:
    """Runs a reading in the other process; refuses what takes too long or breaks it."""
    loop = asyncio.get_running_loop()
    try:
        return await asyncio.wait_for(loop.run_in_executor(readers(), work, *words), PATIENCE_S)
    except (TimeoutError, BrokenProcessPool, ValueError, RuntimeError) as error:
        if isinstance(error, TimeoutError | BrokenProcessPool):
            stop_readers()
        raise UnreadableSheet(
            "expected a page of a readable file, got one that could not be shown; download it"
        ) from None


def is_pdf(name: str) -> bool:
    """Whether a file is shown as pictures."""
    return PurePosixPath(name).suffix.lower() == ".pdf"


def sheet_of(name: str, content: bytes, number: int) -> SheetFile:
    """Reads one page; runs in the process apart."""
    if is_pdf(name):
        import pypdfium2

        document = pypdfium2.PdfDocument(content)
        return SheetFile(pages=len(document), paragraphs=(), is_picture=True)
    from supervision.forensics.extraction import read_file

    found = read_file(name, content)
    lines = [line for page in found.pages for line in page.splitlines() if line.strip()]
    if not lines:
        return SheetFile(pages=1, paragraphs=(found.problem or "",), is_picture=False)
    pages = -(-len(lines) // LINES_A_PAGE)
    start = (max(1, min(number, pages)) - 1) * LINES_A_PAGE
    shown = tuple(lines[start : start + LINES_A_PAGE])
    return SheetFile(pages=pages, paragraphs=shown, is_picture=False)


def draw_page(content: bytes, number: int) -> bytes:
    """Draws one page of a PDF; runs in the process apart."""
    import pypdfium2

    document = pypdfium2.PdfDocument(content)
    if not 1 <= number <= len(document):
        raise ValueError(f"page {number} of {len(document)}")
    made = io.BytesIO()
    document[number - 1].render(scale=SCALE).to_pil().save(made, "PNG")
    return made.getvalue()
