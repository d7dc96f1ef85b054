"""How fast a bidder seals and opens, how fast sealed files arrive, how fast an opening goes.

Each figure is a ratio to a tool of the field in the same run: medians of five interleaved pairs,
same input, same disk, every process timed from its start to its end.
"""

import secrets
import shlex
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import browsing
import opening
import uploading
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from figures import ROOT, Figure, Outcome, place, say
from pairs import Times, figure, run, sealer, version
from sealer import BIDDER, LICENCE, OPENING_KEYS

from foundation.statements.canonical import canonical

YARDSTICK: Final = (
    "sealing, opening and uploading a bid as ratios to age, openssl and nginx in the same run; "
    "the peak memory of sealing; what an opening costs beside decryption"
)
MIB: Final = 1024 * 1024
PIECE: Final = 4 * MIB
MOST_MEMORY_MIB: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much is measured."""

    mib: int
    rounds: int
    memory_mib: int
    browser_mib: int


FULL: Final = Size(mib=1024, rounds=5, memory_mib=4096, browser_mib=256)
QUICK: Final = Size(mib=8, rounds=1, memory_mib=16, browser_mib=4)


def measure(quick: bool) -> Outcome:
    """Every figure of sealing, one group after another, in a folder of their own."""
    size = QUICK if quick else FULL
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=place()))
    figures: list[Figure] = []
    skipped: list[str] = []
    try:
        _make_keys(folder)
        package = folder / "package"
        _random_file(package, size.mib)
        groups: Sequence[tuple[str, Callable[[], Outcome]]] = (
            ("age and openssl", lambda: _against_tools(folder, package, size)),
            ("memory", lambda: _memory(folder, size)),
            ("upload", lambda: uploading.measure(folder, package, size.rounds)),
            ("opening", lambda: opening.measure(folder, quick=quick)),
            ("browser", lambda: browsing.measure(size.browser_mib * MIB, size.rounds)),
        )
        for name, group in groups:
            say(f"sealing: {name}")
            outcome = group()
            figures += outcome.figures
            skipped += outcome.skipped
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return Outcome(figures=figures, skipped=skipped)


def _against_tools(folder: Path, package: Path, size: Size) -> Outcome:
    """Seal and open beside age, `openssl cms` and `openssl enc`, in turn."""
    times, skipped = Times(), []
    sealed, opened = folder / "ours.tbe", folder / "ours.open"
    gm = folder / "gm"
    age, openssl = version("age", "--version"), version("openssl", "version")
    tools = _age(folder, package) if age else {}
    tools |= _openssl(folder, package) if openssl else {}
    skipped += [] if age else ["age (not installed): seal_vs_age, open_vs_age"]
    skipped += [] if openssl else ["openssl (not installed): seal_vs_cms, gm_vs_sm4_ctr"]
    for _ in range(size.rounds):
        times.take("seal", lambda: sealer("seal", folder, package, sealed), sealed)
        _take(times, tools, "age encrypt")
        times.take("open", lambda: sealer("open", folder, sealed, opened), opened)
        opened.unlink()
        _take(times, tools, "age decrypt")
        _take(times, tools, "openssl cms")
        _take(times, tools, "openssl cms signed")
        _take(times, tools, "openssl sha256")
        times.take("GM-1 content", lambda: sealer("content", "GM-1", package, gm), gm)
        gm.unlink()
        _take(times, tools, "openssl sm4-ctr")
    speeds = [size.mib / seconds for seconds in times.seconds["seal"]]
    figures = [figure("seal_speed", speeds, f"absolute, {size.mib} MiB, signed", unit="MiB/s")]
    same = f"same {size.mib} MiB, same disk, same run"
    if age:
        figures += [
            figure(
                "seal_vs_age",
                times.ratios("seal", "age encrypt"),
                f"age {age} -r, {same}; ours signs the manifest and syncs, age does neither",
                ("<=", 1.0),
            ),
            figure(
                "seal_vs_age_synced",
                times.ratios("seal", "age encrypt, synced"),
                f"age {age} -r and the sync of its file, {same}; ours signs the manifest too",
            ),
            figure(
                "open_vs_age",
                times.ratios("open", "age decrypt"),
                f"age {age} -d, {same}; ours also gives the SHA-256 of the package",
                ("<=", 1.0),
            ),
        ]
    if openssl:
        figures += [
            figure(
                "seal_vs_cms",
                times.ratios("openssl cms", "seal"),
                f"{openssl}: cms -encrypt -aes-256-gcm -stream, {same}; it neither signs nor syncs",
                (">=", 2.5),
                unit="times as fast",
            ),
            figure(
                "seal_vs_cms_signed",
                times.ratios("openssl cms signed", "seal"),
                f"{openssl}: cms -sign -nodetach into cms -encrypt by a pipe, {same}; it syncs not",
                (">=", 2.5),
                unit="times as fast",
            ),
            figure(
                "seal_vs_cms_signed_synced",
                times.ratios("openssl cms signed, synced", "seal"),
                f"{openssl}: cms -sign into cms -encrypt and the sync of its file, {same}",
                unit="times as fast",
            ),
            figure(
                "seal_vs_sha256",
                times.ratios("seal", "openssl sha256"),
                f"{openssl}: dgst -sha256, {same}: no sealing with part hashes can take less",
            ),
            figure(
                "gm_vs_sm4_ctr",
                times.ratios("openssl sm4-ctr", "GM-1 content"),
                f"{openssl}: enc -sm4-ctr, {same}; ours authenticates, hashes the parts and syncs",
                (">=", 0.8),
                unit="ratio of speeds",
            ),
        ]
    return Outcome(figures=figures, skipped=skipped)


_Tools = dict[str, tuple[list[str | Path], Path]]


def _take(times: Times, tools: _Tools, name: str) -> None:
    if name in tools:
        words, made = tools[name]
        times.take(name, lambda: run(words, out=made), made)
        times.sync(name, made)
        # age's own sealed file is what it opens next.
        if name != "age encrypt":
            made.unlink()


def _age(folder: Path, package: Path) -> _Tools:
    identity, sealed, opened = folder / "age.key", folder / "age.sealed", folder / "age.open"
    run(["age-keygen", "-o", identity])
    recipient = run(["age-keygen", "-y", identity]).strip()
    return {
        "age encrypt": (["age", "-r", recipient, "-o", sealed, package], sealed),
        "age decrypt": (["age", "-d", "-i", identity, "-o", opened, sealed], opened),
    }


def _openssl(folder: Path, package: Path) -> _Tools:
    key, certificate = folder / "cms.key", folder / "cms.pem"
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key]
    run(["openssl", "req", "-x509", *new_key, "-subj", "/CN=benchmark", "-out", certificate])
    cms, both, ctr = folder / "cms.sealed", folder / "cms.signed", folder / "sm4.sealed"
    files = ["-in", package, "-out"]
    encrypt = ["-encrypt", "-binary", "-aes-256-gcm", "-stream", "-outform", "DER"]
    sign = ["-sign", "-binary", "-nodetach", "-stream", "-outform", "DER", "-signer", certificate]
    signed = shlex.join(map(str, ["openssl", "cms", *sign, "-inkey", key, "-in", package]))
    sealing = shlex.join(map(str, ["openssl", "cms", *encrypt, "-out", both, certificate]))
    digest = folder / "sha256"
    once = ["-K", secrets.token_hex(16), "-iv", secrets.token_hex(16)]
    return {
        "openssl cms": (["openssl", "cms", *encrypt, *files, cms, certificate], cms),
        "openssl sha256": (["openssl", "dgst", "-sha256", "-out", digest, package], digest),
        "openssl cms signed": (["sh", "-c", f"{signed} | {sealing}"], both),
        "openssl sm4-ctr": (["openssl", "enc", "-sm4-ctr", *once, *files, ctr], ctr),
    }


def _memory(folder: Path, size: Size) -> Outcome:
    """The peaks of processes that seal, at a size where anything that grows would show."""
    # A name whose content is packed as it is: nothing compresses what is random.
    place, made = folder / "large", folder / "made"
    source = place / "drawings.pdf"
    place.mkdir()
    _random_file(source, size.memory_mib)
    price = folder / "price"
    price.mkdir()
    (price / "open-items.json").write_text('{"price_yuan": "1.00"}', "utf-8")
    command = ["command", "seal", folder / "lot.json", "--out", made / "bid"]
    command += ["--volume", f"qual={place}", "--volume", f"price={price}"]
    command += ["--uscc", (folder / BIDDER).read_text("utf-8"), "--name", "benchmark"]
    command += ["--passphrase-file", folder / BIDDER]
    made.mkdir()
    try:
        peaks = {
            "seal": sealer("seal", folder, source, made / "ours.tbe"),
            "gm": sealer("content", "GM-1", source, made / "gm"),
            "seal_command": sealer(*command),
        }
    finally:
        shutil.rmtree(place)
        shutil.rmtree(made)
    what = {
        "seal": "the process that seals and signs",
        "gm": "the process that makes the content of a GM-1 envelope of",
        "seal_command": "`sunbid seal` with packing and rehearsal, over",
    }
    return Outcome(
        figures=[
            figure(
                f"{name}_peak_memory",
                [peak / 1024],
                f"absolute: most resident memory (VmHWM) of {what[name]} {size.memory_mib} MiB, "
                "interpreter and libraries included",
                ("<=", MOST_MEMORY_MIB),
                unit="MiB",
            )
            for name, peak in peaks.items()
        ]
    )


def _random_file(path: Path, mib: int) -> None:
    with path.open("wb") as file:
        for _ in range(mib * MIB // PIECE):
            file.write(secrets.token_bytes(PIECE))


def _make_keys(folder: Path) -> None:
    """The tests' lot, 2 of 3 custodians and 2 of 3 of the remedy group, and a bidder's keys."""
    sys.path.append(str(ROOT / "tests"))
    import sealing_world as world

    world.NOW = datetime.now(UTC)
    (folder / OPENING_KEYS).write_bytes(world.opening_keys().statement.file())
    (folder / "lot.json").write_bytes(canonical(world.lot_file()))
    (folder / BIDDER).write_text(world.BIDDER, "utf-8")
    licence = world.licence(world.BIDDER)
    (folder / LICENCE).write_bytes(licence.chain[0])
    keys = {"licence": licence.key, "recovery": world.RECOVERY, "opening": world.OPENING.key}
    for name, key in keys.items():
        assert isinstance(key, EllipticCurvePrivateKey)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        (folder / f"{name}.pem").write_bytes(pem)
