"""The typeface: built from slices, renamed, found by the chain."""

import shutil
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont

from foundation.documents import font

SLICES = font.slices()
needs_slices = pytest.mark.skipif(
    not SLICES, reason="the npm package @fontsource-variable/noto-sans-sc is not installed"
)


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three slices, so that a build takes a moment."""
    folder = tmp_path_factory.mktemp("slices")
    for part in SLICES[:3]:
        shutil.copy(part, folder)
    return folder


@needs_slices
def test_build_makes_one_static_font_with_a_name_of_its_own(few: Path, tmp_path: Path) -> None:
    path = font.build(few, tmp_path)
    assert path is not None
    wanted = set()
    for part in few.iterdir():
        with TTFont(part) as source:
            wanted |= set(source.getBestCmap())
    with TTFont(path) as built:
        assert "fvar" not in built
        # Two fonts of one PostScript name would share their letters in every PDF.
        assert built["name"].getDebugName(6) == path.stem
        assert set(built.getBestCmap()) == wanted


@needs_slices
def test_build_is_done_once_and_leaves_nothing_half_done(few: Path, tmp_path: Path) -> None:
    path = font.build(few, tmp_path)
    assert path is not None
    before = path.stat().st_mtime_ns
    assert font.build(few, tmp_path) == path
    assert path.stat().st_mtime_ns == before
    assert list(tmp_path.iterdir()) == [path]


@needs_slices
def test_other_slices_are_another_font(few: Path, tmp_path: Path) -> None:
    parts = font.slices(few)
    assert font.built_path(parts, tmp_path) != font.built_path(parts[:2], tmp_path)
    assert font.built_path(parts, tmp_path, 400) != font.built_path(parts, tmp_path, 700)


def test_without_the_package_nothing_is_built(tmp_path: Path) -> None:
    assert font.build(tmp_path / "none", tmp_path) is None
    assert font.main(["--source", str(tmp_path / "none"), "--target", str(tmp_path)]) == 2


def test_last_resort_is_said(tmp_path: Path) -> None:
    face = font.choose(folder=tmp_path, target=tmp_path, system=tmp_path)
    assert face.source == "reader"
    assert not face.embedded
    assert "python -m foundation.documents.font" in face.sentence


def test_a_file_that_is_no_font_is_passed_over(tmp_path: Path) -> None:
    broken = tmp_path / "broken.ttf"
    broken.write_bytes(b"not a font")
    assert font.choose(broken, folder=tmp_path, target=tmp_path, system=tmp_path).path is None


@needs_slices
def test_the_configured_font_comes_first(few: Path, tmp_path: Path) -> None:
    path = font.build(few, tmp_path)
    face = font.choose(path, folder=tmp_path / "none", system=tmp_path / "none")
    assert (face.source, face.path) == ("configured", path)
    assert "\U00020bb7" in font.missing(face, "A\U00020bb7")
    assert not font.missing(face, "A b")
