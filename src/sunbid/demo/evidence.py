"""Act 7: the evidence package, its verification, and a superuser who edits one score."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from foundation.database import Database
from foundation.embedded import FOLDER, OWNER, EmbeddedServer, usual_way
from sunbid.client import Client
from sunbid.demo.play import Play

OPEN_AFTER: Final = timedelta(days=31)

# What an administrator with full rights over the database can do, and must not get away with.
WITHOUT_TRIGGERS: Final = "SET LOCAL session_replication_role = replica"
EDIT_ONE_SCORE: Final = """
    UPDATE experts.score
       SET score = trim_scale(score::numeric + 0.5)::text
     WHERE ctid = (SELECT ctid
                     FROM experts.score
                    WHERE lot = $1
                      AND score IS NOT NULL
                 ORDER BY code, criterion, expert
                    LIMIT 1)
 RETURNING expert, code, criterion
"""


def verify(play: Play) -> None:
    """Export the package once all leaves may be opened; every numbered check passes offline."""
    with play.story.step("package.export", "三十天后账本全部开封，导出证据包") as step:
        moved = play.move_clock(play.now() + OPEN_AFTER)
        play.ticks()
        package = _fetch(play, "package.zip")
        play.story.files["package"] = str(package.relative_to(play.stage.data))
        step.detail = f"{package.stat().st_size // 1024} KiB; {moved}"
    with play.story.step("package.verify", "sunbid verify 离线核验，逐条通过") as step:
        done = play.stage.command("verify", package, "--policy", play.folder / "policy.txt",
                                  "--json")  # fmt: skip
        checks = json.loads(done.out)["checks"]
        bad = [c for c in checks if c["ok"] is not True]
        step.expect(
            not bad and done.code == 0, f"not passed: {[(c['id'], c['detail']) for c in bad]}"
        )
        step.detail = f"{len(checks)} 条"


def tamper(play: Play) -> None:
    """A superuser edits a score in the database; the next package betrays which one."""
    with play.story.step(
        "package.tamper", "超级用户改一个评分；再导出的证据包指出是谁、哪项、哪家"
    ) as step:
        edited = asyncio.run(_edit(play))
        package = _fetch(play, "package-tampered.zip")
        done = play.stage.command("verify", package, "--policy", play.folder / "policy.txt",
                                  "--json")  # fmt: skip
        failed = [c for c in json.loads(done.out)["checks"] if c["ok"] is False]
        said = " ".join(f"{c['id']} {c['object']} {c['detail']}" for c in failed)
        step.expect(done.code == 1, f"verify ended with {done.code}")
        for name in ("expert", "code", "criterion"):
            step.expect(str(edited[name]) in said, f"{name} {edited[name]} is not named: {said}")
        step.detail = f"{failed[0]['id']}: {failed[0]['object']}"


def _fetch(play: Play, name: str) -> Path:
    path = play.folder / name
    with Client(origin=play.stage.server, timeout=60) as client:
        path.write_bytes(client.get_bytes(f"/api/v1/lots/{play.lot}/package"))
    return path


async def _edit(play: Play) -> dict[str, Any]:
    """Edit one row as the owner of the database, past every trigger."""
    server = EmbeddedServer(folder=play.stage.data / "platform" / FOLDER, way=usual_way())
    server.join()
    db = await Database.open(server.dsn(OWNER), 1)
    try:
        async with db.connection() as connection, connection.transaction():
            await connection.execute(WITHOUT_TRIGGERS)
            row = await connection.fetchrow(EDIT_ONE_SCORE, play.lot)
    finally:
        await db.close()
    return {} if row is None else dict(row)
