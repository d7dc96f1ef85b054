"""The typeface of our documents: one static TrueType file, built once from the npm package.

The package `@fontsource-variable/noto-sans-sc` holds about a hundred variable slices for the web;
reportlab can embed only one static TrueType file, so the slices are pinned to a weight and merged.
`./run` calls `python -m foundation.documents.font` at set-up.
"""

import argparse
import hashlib
import logging
import os
import sys
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Literal

from fontTools import subset
from fontTools.merge import Merger, Options
from fontTools.ttLib import TTFont as FontFile
from fontTools.varLib import instancer
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFError, TTFont

ROOT: Final = Path(__file__).resolve().parents[3]
SLICES: Final = ROOT / "node_modules" / "@fontsource-variable" / "noto-sans-sc" / "files"
BUILT_FONTS: Final = ROOT / "var" / "fonts"
REGULAR: Final = 400
FAMILY: Final = "SunbidSans"
# Raised whenever the way of building changes, so that old files in the cache are not taken.
RECIPE: Final = b"sunbid/font/v2"
SCRIPTS_LEFT_OUT: Final = ("cyrillic", "vietnamese")
LAYOUT_TABLES: Final = ("GSUB", "GPOS", "GDEF", "BASE", "VORG", "vhea", "vmtx")
VARIATION_TABLES: Final = ("STAT", "DSIG", "HVAR", "MVAR", "avar")
# TrueType outlines only: reportlab embeds no CFF, which rules out Debian's own Noto CJK.
SYSTEM_FONTS: Final = (
    "truetype/wqy/wqy-zenhei.ttc",
    "truetype/wqy/wqy-microhei.ttc",
    "truetype/arphic/uming.ttc",
    "truetype/arphic-gbsn00lp/gbsn00lp.ttf",
)
SYSTEM_FONT_ROOT: Final = Path("/usr/share/fonts")
LAST_RESORT: Final = "STSong-Light"

FontSource = Literal["configured", "built", "system", "reader"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Typeface:
    """The font that documents are set in, where it came from, and what that means for a reader."""

    name: str
    source: FontSource
    path: Path | None

    @property
    def embedded(self) -> bool:
        """Whether the type travels inside the file, so that every reader shows the same."""
        return self.path is not None

    @property
    def sentence(self) -> str:
        """One sentence for `sunbid doctor`."""
        if self.path is None:
            return (
                "no Chinese TrueType font was found, so documents name STSong-Light without "
                "embedding it; run `python -m foundation.documents.font` or set SUNBID_FONT"
            )
        return f"documents embed {self.path.name} ({self.source})"


def slices(folder: Path = SLICES) -> list[Path]:
    """The web font's slices that we merge, Latin first; empty where the package is missing."""
    found = (
        path
        for path in folder.glob("*-wght-normal.woff2")
        if not any(script in path.name for script in SCRIPTS_LEFT_OUT)
    )
    return sorted(found, key=lambda path: ("latin-wght" not in path.name, path.name))


def built_path(parts: Iterable[Path], target: Path = BUILT_FONTS, weight: int = REGULAR) -> Path:
    """Where the font built from these slices is kept: its name carries the hash of what made it."""
    digest = hashlib.sha256(RECIPE)
    for part in parts:
        digest.update(part.name.encode())
        digest.update(hashlib.sha256(part.read_bytes()).digest())
    return target / f"{FAMILY}-{weight}-{digest.hexdigest()[:16]}.ttf"


def build(folder: Path = SLICES, target: Path = BUILT_FONTS, weight: int = REGULAR) -> Path | None:
    """Build the static font unless it is there already; None where the npm package is missing."""
    parts = slices(folder)
    if not parts:
        return None
    result = built_path(parts, target, weight)
    if result.exists():
        return result
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target) as scratch:
        merged = _merge(_pin(parts, Path(scratch), weight))
        _rename(merged, result.stem)
        draft = Path(scratch) / "draft.ttf"
        merged.save(draft)
        # The rename is the moment of publication: a killed build leaves no half font behind.
        draft.replace(result)
    return result


def _pin(parts: Sequence[Path], scratch: Path, weight: int) -> list[Path]:
    """Pin every slice to one weight, each character taken from the first slice that has it."""
    seen: set[int] = set()
    jobs: list[tuple[Path, Path, frozenset[int], int]] = []
    for number, part in enumerate(parts):
        with FontFile(part, lazy=True) as slice_:
            characters = frozenset(slice_.getBestCmap() or {}) - seen
        if characters:
            seen |= characters
            jobs.append((part, scratch / f"{number:03}.ttf", characters, weight))
    with ProcessPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        return list(pool.map(_pin_one, jobs, chunksize=4))


def _pin_one(job: tuple[Path, Path, frozenset[int], int]) -> Path:
    """Cut one slice down to its characters, fix its weight and write it without compression."""
    logging.disable(logging.CRITICAL)
    source, result, characters, weight = job
    options = subset.Options()
    options.layout_features = []
    options.notdef_outline = True
    options.hinting = False
    options.drop_tables += list(LAYOUT_TABLES)
    with FontFile(source) as font:
        cutter = subset.Subsetter(options)
        cutter.populate(unicodes=characters)
        cutter.subset(font)
        instancer.instantiateVariableFont(font, {"wght": weight}, inplace=True)
        font.flavor = None
        for table in VARIATION_TABLES:
            if table in font:
                del font[table]
        font.save(result)
    return result


def _merge(parts: Sequence[Path]) -> FontFile:
    logging.disable(logging.CRITICAL)
    try:
        return Merger(Options(drop_tables=["vhea", "vmtx"])).merge([str(part) for part in parts])
    finally:
        logging.disable(logging.NOTSET)


def _rename(font: FontFile, full: str) -> None:
    """Give the font a name of its own: reportlab takes two files of one PostScript name for one."""
    for record in font["name"].names:
        if record.nameID in (1, 4, 16):
            record.string = full.replace("-", " ")
        elif record.nameID in (3, 6):
            record.string = full


def choose(
    configured: Path | None = None,
    *,
    folder: Path = SLICES,
    target: Path = BUILT_FONTS,
    system: Path = SYSTEM_FONT_ROOT,
) -> Typeface:
    """The first font that can be used: the configured one, the built one, a system one, none."""
    candidates: list[tuple[FontSource, Path]] = []
    if configured is not None:
        candidates.append(("configured", configured))
    parts = slices(folder)
    if parts:
        candidates.append(("built", built_path(parts, target)))
    else:
        # An installation without the npm package keeps the font that was built elsewhere.
        kept = sorted(target.glob(f"{FAMILY}-{REGULAR}-*.ttf"))
        candidates += [("built", path) for path in kept]
    candidates += [("system", system / name) for name in SYSTEM_FONTS]
    for source, path in candidates:
        name = _register(path)
        if name is not None:
            return Typeface(name=name, source=source, path=path)
    pdfmetrics.registerFont(UnicodeCIDFont(LAST_RESORT))
    return Typeface(name=LAST_RESORT, source="reader", path=None)


@cache
def _register(path: Path) -> str | None:
    """Make the file known to reportlab under a name of our own; None if it cannot be embedded."""
    if not path.is_file():
        return None
    name = f"sunbid-{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    try:
        pdfmetrics.registerFont(TTFont(name, str(path)))
    except TTFError:
        return None
    return name


def missing(face: Typeface, text: str) -> frozenset[str]:
    """The characters of the text that the font cannot show."""
    if not face.embedded:
        return frozenset(char for char in text if ord(char) > 0xFFFF)
    known = pdfmetrics.getFont(face.name).face.charToGlyph
    return frozenset(char for char in text if ord(char) not in known and not char.isspace())


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the font of our documents; status 2 where the npm package is not installed."""
    parser = argparse.ArgumentParser(prog="python -m foundation.documents.font")
    parser.add_argument("--source", type=Path, default=SLICES, help="folder of the woff2 slices")
    parser.add_argument("--target", type=Path, default=BUILT_FONTS, help="folder for the result")
    parser.add_argument("--weight", type=int, default=REGULAR)
    options = parser.parse_args(arguments)
    result = build(options.source, options.target, options.weight)
    if result is None:
        sys.stderr.write(
            f"No slices of Noto Sans SC in {options.source}: expected the npm package "
            "@fontsource-variable/noto-sans-sc. Run `npm ci`, or set SUNBID_FONT to a TrueType "
            "font; until then documents fall back to a system font.\n"
        )
        return 2
    sys.stdout.write(f"{result}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
