"""What the doctor finds: each trouble by its name, with what to do."""

import json
import socket
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from foundation import clock
from foundation.clock import start_demo_clock
from foundation.database import Database, transaction
from foundation.outbox import enqueue
from foundation.settings import Settings
from sunbid import doctor
from sunbid.cli import main
from sunbid.doctor import Finding, examine


async def found(settings: Settings) -> dict[str, Finding]:
    return {finding.name: finding for finding in await examine(settings)}


async def test_a_sound_installation(settings: Settings) -> None:
    findings = await found(settings)
    # The server of the tests does not wait for the disk; nothing else is wrong.
    wrong = {name for name, finding in findings.items() if finding.ok is False}
    assert wrong <= {"durability", "font"}
    for name in ("settings", "disk", "database", "migrations", "roles", "clock", "jobs", "port"):
        assert findings[name].ok is True, findings[name]
    assert findings["signer"].ok is None


async def test_a_server_that_may_lose_writes_is_found(settings: Settings) -> None:
    assert "fsync is off" in (await found(settings))["durability"].detail


async def test_a_database_that_is_not_migrated_is_found(
    settings: Settings, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    await owner.execute("DELETE FROM public.migration WHERE number > 3")
    finding = (await found(settings))["migrations"]
    assert finding.ok is False
    assert "run sunbid migrate" in finding.detail


async def test_a_migration_that_was_changed_is_found(
    settings: Settings, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    await owner.execute("UPDATE public.migration SET sha256 = '' WHERE number = 1")
    assert "was changed after it was applied" in (await found(settings))["migrations"].detail


async def test_a_database_that_does_not_answer_is_found(settings: Settings) -> None:
    away = replace(settings, database_url="postgresql://u:secret@127.0.0.1:1/d")
    finding = (await found(away))["database"]
    assert finding.ok is False
    assert "127.0.0.1:1/d" in finding.detail
    assert "secret" not in finding.detail


async def test_a_login_without_roles_is_found(
    settings: Settings, owner: "asyncpg.Connection[asyncpg.Record]", database_name: str
) -> None:
    login = f"plain_{database_name}"
    await owner.execute(f"CREATE ROLE {login} LOGIN PASSWORD 'plain'")
    try:
        assert settings.database_url is not None
        head, tail = settings.database_url.split("@", 1)
        assert head
        plain = replace(settings, database_url=f"postgresql://{login}:plain@{tail}")
        findings = await found(plain)
        assert "triggers alone stand guard" in findings["roles"].detail
        assert "may use the platform's tables" in findings["clock"].detail
    finally:
        await owner.execute(f"DROP ROLE {login}")


async def test_a_wrong_clock_is_found(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "datetime", Behind)
    finding = (await found(settings))["clock"]
    assert finding.ok is False
    assert "differ by" in finding.detail


class Behind:
    """This machine's clock, two seconds behind."""

    @staticmethod
    def now(zone: object) -> object:
        from datetime import UTC, datetime, timedelta

        return datetime.now(UTC) - timedelta(seconds=2)


async def test_the_clock_of_a_demonstration_is_shown(
    settings: Settings, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    from datetime import UTC, datetime

    await start_demo_clock(owner, datetime(2019, 4, 1, tzinfo=UTC), 60)
    assert "60 times as fast" in (await found(settings))["clock"].detail
    findings = await found(replace(settings, mode="production"))
    assert findings["durability"].ok is False
    assert "demonstration's" in findings["durability"].detail


async def test_a_job_that_was_given_up_is_found(
    settings: Settings, database: Database, owner: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    async with transaction(database, "foundation") as connection:
        await enqueue(connection, "close", {})
    await owner.execute("UPDATE foundation.pgqueuer SET status = 'failed'")
    assert "1 were given up (close)" in (await found(settings))["jobs"].detail


async def test_a_taken_port_is_found(settings: Settings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        finding = (await found(replace(settings, port=taken.getsockname()[1])))["port"]
    assert finding.ok is None
    assert "SUNBID_PORT" in finding.detail


def test_a_full_disk_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "LEAST_FREE_BYTES", 1 << 62)
    assert doctor.examine_disk(tmp_path).ok is False


async def test_files_that_are_named_and_missing_are_found(
    settings: Settings, tmp_path: Path
) -> None:
    findings = await found(
        replace(settings, policy=tmp_path / "none", administrators=tmp_path / "none.json")
    )
    assert "cannot read" in findings["SUNBID_POLICY"].detail
    assert findings["SUNBID_ADMINISTRATORS"].ok is False


async def test_a_key_that_others_may_read_is_found(settings: Settings, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.touch(0o644)
    assert (
        "chmod 600"
        in (await found(replace(settings, platform_key=key)))["SUNBID_PLATFORM_KEY"].detail
    )


@pytest.mark.parametrize("content", ["", "{}", "[1]", '[{"kid": "a"}]'])
async def test_a_list_of_administrators_that_is_none_is_found(
    settings: Settings, tmp_path: Path, content: str
) -> None:
    path = tmp_path / "administrators.json"
    path.write_text(content)
    findings = await found(replace(settings, administrators=path))
    assert findings["SUNBID_ADMINISTRATORS"].ok is False


def test_a_bad_setting_is_a_finding(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUNBID_MODE", "prod")
    assert main(["doctor", "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["ok"] is False
    assert "SUNBID_MODE" in said["findings"][0]["detail"]


def test_a_new_installation_is_not_touched(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("SUNBID_DATA_DIR", str(tmp_path / "new"))
    monkeypatch.setenv("SUNBID_MODE", "development")
    main(["doctor"])
    assert "made at the first `sunbid migrate`" in capsys.readouterr().out
    assert not (tmp_path / "new").exists()
