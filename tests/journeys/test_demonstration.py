"""The demonstration plays a whole tender, and leaves what its story names."""

import pytest

from demonstration import Demonstration

STEPS_AT_LEAST = 25


@pytest.mark.demo
def test_a_whole_tender_is_played(demonstration: Demonstration) -> None:
    story = demonstration.story
    assert story["ok"] is True
    assert [step["name"] for step in story["steps"] if not step["ok"]] == []
    assert len(story["steps"]) >= STEPS_AT_LEAST
    assert len({step["id"] for step in story["steps"]}) == len(story["steps"])
    files = story["files"]
    for name in ("receipts", "pdfs"):
        assert files[name], name
    for name in [files["package"], *files["receipts"], *files["pdfs"], *files["screenshots"]]:
        assert (demonstration.data / name).stat().st_size > 0, name
    for name in files["pdfs"]:
        assert (demonstration.data / name).read_bytes().startswith(b"%PDF"), name
