"""Blind files are read in a process apart, which ends with the server and when a file hangs it."""

import asyncio
import time
from datetime import UTC, datetime
from multiprocessing import active_children

import pytest

from sunbid.demo_files.office import FileProperties, Part, docx
from sunbid.pages import sheets

PROPERTIES = FileProperties(
    author="a", software="b", company="c", at=datetime(2026, 1, 1, tzinfo=UTC), edit_session="01"
)
TEXT = docx("t", [Part("h", ("one line",))], PROPERTIES)


async def gone() -> bool:
    """Whether no reader is left a moment later."""
    for _ in range(100):
        if not active_children():
            return True
        await asyncio.sleep(0.05)
    return False


async def test_the_reader_ends_and_a_new_one_is_started() -> None:
    for _ in range(2):
        read = await sheets.read_sheet("a.docx", TEXT, 1)
        assert "one line" in read.paragraphs
        assert len(active_children()) == 1
        sheets.stop_readers()
        assert await gone()
    sheets.stop_readers()


async def test_a_file_that_hangs_the_reader_leaves_no_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sheets, "PATIENCE_S", 0.5)
    with pytest.raises(sheets.UnreadableSheet):
        await sheets.apart(time.sleep, 60)
    assert await gone()
