"""Dividing work among processes that know nothing of each other, with file locks only.

A process that dies loses its locks, and with them its claims: nothing has to be cleaned up by
hand. Needs a file system with `flock` (every local one, NFS 4).
"""

from __future__ import annotations

import uuid
from contextlib import suppress
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout

from ccim_core.files import again_if_busy, write_atomically

__all__ = ["Claim", "Claims"]


class Claim:
    """Keys that one process has taken upon itself, until `release` or its death."""

    def __init__(self, path: Path, lock: FileLock, keys: np.ndarray) -> None:
        self.path = path
        self.keys = keys
        self._lock = lock

    def release(self) -> None:
        """Give the keys back: they are done, or another process shall do them."""
        again_if_busy(lambda: self.path.unlink(missing_ok=True))
        self._lock.release()
        with suppress(PermissionError):  # Windows: another looks at it just now, and it stays
            Path(self._lock.lock_file).unlink(missing_ok=True)


class Claims:
    """The claims on a directory's work.

    Args:
        directory: where claims are written, the same for all processes.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self.lock = FileLock(directory / "claims.lock")
        """Held while claims are made; hold it to look at the work with nobody changing it."""

    def live_keys(self) -> np.ndarray:
        """Keys claimed by living processes, this one included. Call it holding `lock`."""
        claimed = []
        for path in self.directory.glob("claim-*.npy"):
            lock = FileLock(path.with_suffix(".lock"))
            try:
                lock.acquire(timeout=0)
            except Timeout:
                # One that is released at this very moment is gone: its work is done.
                with suppress(FileNotFoundError):
                    claimed.append(np.load(path, allow_pickle=False))
                continue
            # Its owner is dead.
            Claim(path, lock, np.empty(0)).release()
        return np.concatenate(claimed) if claimed else np.empty(0, "S32")

    def take(self, keys: np.ndarray) -> Claim:
        """Claim `keys`, which must be nobody's. Call it holding `lock`."""
        path = self.directory / f"claim-{uuid.uuid4().hex}.npy"
        lock = FileLock(path.with_suffix(".lock"))
        lock.acquire(timeout=0)
        with write_atomically(path) as temporary:
            np.save(temporary, keys, allow_pickle=False)
        return Claim(path, lock, keys)
