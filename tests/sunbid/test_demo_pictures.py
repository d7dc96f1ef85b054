"""Pictures of the pages are a gift: without a browser there is no step, and nothing fails."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sunbid.demo import screenshots
from sunbid.demo.play import Play
from sunbid.demo.stage import Stage
from sunbid.demo.story import Story


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Play]:
    stage = Stage(
        data=tmp_path,
        port=1,
        licence_port=2,
        seal_port=3,
        time_port=4,
        lock=(tmp_path / "lock").open("ab"),
    )
    yield Play(stage, Story(seed=1, out=io.StringIO()), number=1)
    stage.stop()


def test_without_a_browser_there_is_no_step(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screenshots, "browser_path", lambda: None)
    screenshots.picture(play)
    assert play.story.steps == []
    assert screenshots.take(play, play.stage.data / "pictures") == []
    assert not (play.stage.data / "pictures").exists()


def test_a_browser_that_gives_up_spoils_no_story(
    play: Play, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sync_api = pytest.importorskip("playwright.sync_api")

    def gives_up() -> Any:
        raise sync_api.Error("no display\nmore words")

    monkeypatch.setattr(screenshots, "can_take", lambda: True)
    monkeypatch.setattr(screenshots, "_browser", gives_up)
    screenshots.picture(play)
    assert [step.ok for step in play.story.steps] == [True]
    assert play.story.files["screenshots"] == []
    assert "the browser gave up: no display\n" in capsys.readouterr().err


def test_pictures_are_kept_with_few_colours(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")

    class Page:
        def wait_for_timeout(self, ms: int) -> None: ...

        def screenshot(self, path: Path) -> None:
            image.linear_gradient("L").convert("RGB").save(path)

    made = screenshots._keep(Page(), tmp_path / "page.png")
    with image.open(made) as kept:
        assert kept.mode == "P"
        assert len(kept.getcolors()) <= screenshots.COLOURS
