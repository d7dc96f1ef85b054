"""What the process that decrypts leaves behind: no memory image, no plaintext of a crashed run."""

import ctypes
import logging
import resource
import shutil
from pathlib import Path
from typing import Final

# Of <sys/prctl.h>: with 0 the kernel writes no core and lets nobody of the same user attach.
PR_SET_DUMPABLE: Final = 4
PR_GET_DUMPABLE: Final = 3
STAGING: Final = "opening-"

log = logging.getLogger(__name__)


def leave_no_core() -> None:
    """Switch core dumps of this process and its future children off, for good."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0:
        log.warning("the kernel does not let this process make itself undumpable")


def is_dumpable() -> bool:
    """Whether the kernel would write an image of this process's memory."""
    state: int = ctypes.CDLL(None).prctl(PR_GET_DUMPABLE, 0, 0, 0, 0)
    return state != 0 or resource.getrlimit(resource.RLIMIT_CORE)[0] != 0


def clear_staging(work: Path) -> int:
    """Remove what an interrupted run left decrypted; return how many folders there were.

    One process opens files, so at its start nobody works in them. The blocks on the disk are not
    overwritten: a disk that may be stolen is an encrypted one.
    """
    work.chmod(0o700)
    left = [folder for folder in work.iterdir() if folder.name.startswith(STAGING)]
    for folder in left:
        shutil.rmtree(folder)
        log.warning("removed %s, which an interrupted opening had left", folder.name)
    return len(left)
