"""`./run demo`: set the stage, play one tender, serve until Ctrl-C."""

import argparse
import os
import signal
import sys
import time
from pathlib import Path
from typing import Final

from foundation.problems import Refused
from sunbid.demo import acts
from sunbid.demo.play import Play
from sunbid.demo.stage import Stage, open_stage
from sunbid.demo.story import StepFailed, Story

DEFAULT_DATA: Final = Path("var/demo")
SEED: Final = 20190517


def main(words: list[str] | None = None) -> int:
    """Play; 0 when every line is ✓, 1 when one is not, 2 when the stage cannot be set."""
    parser = argparse.ArgumentParser(prog="./run demo", description=__doc__)
    parser.add_argument("--exit", action="store_true", help="end after the story")
    parser.add_argument("--data", type=Path, metavar="DIR", help="keep the data in DIR")
    parser.add_argument("--port", type=_port, metavar="N")
    parser.add_argument(
        "--json", type=_target, metavar="FILE", help="write the story; - is standard output"
    )
    arguments = parser.parse_args(words)
    # Both by name: a shell that starts us in the background leaves SIGINT ignored.
    signal.signal(signal.SIGINT, _interrupt)
    signal.signal(signal.SIGTERM, _interrupt)
    story = Story(seed=SEED)
    try:
        data = arguments.data or DEFAULT_DATA
        stage = open_stage(data, arguments.port, named=arguments.data is not None)
    except Refused as refused:
        sys.stderr.write(f"{refused.message}\n")
        return 2
    try:
        return _perform(stage, story, arguments)
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted; the data folder can be used again\n")
        return 130
    finally:
        # Whoever presses Ctrl-C twice must not leave half of it running.
        for one in (signal.SIGINT, signal.SIGTERM):
            signal.signal(one, signal.SIG_IGN)
        stage.stop()


def _port(text: str) -> int:
    if text.isdecimal() and 0 < int(text) < 65535:
        return int(text)
    raise argparse.ArgumentTypeError(f"expected a port from 1 to 65534, got {text!r}")


def _target(text: str) -> str:
    """Refuse now what could not be written once the story is told."""
    if text == "-" or os.access(Path(text).parent, os.W_OK):
        return text
    raise argparse.ArgumentTypeError(f"expected a file in a folder that can be written, got {text}")


def _perform(stage: Stage, story: Story, arguments: argparse.Namespace) -> int:
    code = 0
    try:
        with story.step("setup.start", "启动：执照服务、签名机、平台各为独立进程") as step:
            stage.start()
            step.detail = f"{stage.server}, {stage.app}"
        acts.play_tender(Play(stage, story, number=_next_number(stage)))
    except StepFailed as failed:
        sys.stderr.write(f"\nthe story ended: {failed}\nlogs: {stage.data / 'logs'}\n")
        code = 1
    story.urls = acts.addresses(stage)
    story.write(arguments.json)
    sys.stderr.write(f"\n{'✓' if code == 0 else '✗'} {len(story.steps)} steps in "
                     f"{story.seconds:.1f} s\n")  # fmt: skip
    if not arguments.exit and code == 0:
        for name, url in story.urls.items():
            sys.stderr.write(f"  {name:<12} {url}\n")
        sys.stderr.write("Ctrl-C ends it.\n")
        while all(process.poll() is None for process in stage.processes):
            time.sleep(0.5)
    return code


def _next_number(stage: Stage) -> int:
    """The number of the tender to be played: one more than those played before in this folder."""
    return 1 + len(list(stage.data.glob("tender-*")))


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
