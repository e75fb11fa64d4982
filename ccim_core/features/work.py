"""What is still to be encoded, divided among the processes that are at it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np

from ccim_core.features.claims import Claim, Claims
from ccim_core.features.store import FeatureStore
from ccim_core.progress import progress_bar

__all__ = ["Chunk", "Item", "Work", "work_through"]

_CHUNK_ROWS = 1024
_CHUNK_BYTES = 256 << 20
_POLL_SECONDS = 0.2

Item = tuple[int, int]
"""A row of the manifest, and the stores that want it, as the bits of a number."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Chunk:
    """Rows that this process has claimed: a shard in each store that wants any of them."""

    items: list[Item]
    claims: dict[int, Claim]

    @property
    def size(self) -> int:
        """Number of features, over all stores."""
        return sum(len(claim.keys) for claim in self.claims.values())

    def release(self) -> None:
        """Give up the claims."""
        for claim in self.claims.values():
            claim.release()


class _Pending:
    """One store's missing keys, in the manifest's order, each with the first row that has it."""

    def __init__(self, store: FeatureStore, row_keys: np.ndarray) -> None:
        self.store = store
        self.claims = Claims(store.path / "claims")
        keys, rows = np.unique(row_keys, return_index=True)
        absent = ~store.has(keys)
        keys, rows = keys[absent], rows[absent]
        order = np.argsort(rows)
        self.keys, self.rows = keys[order], rows[order]
        self.open = np.ones(len(self.keys), bool)
        self._sorted = np.argsort(self.keys)

    def refresh(self) -> None:
        """Take in what any process has finished."""
        self.close(self.store.refresh())

    def close(self, keys: np.ndarray) -> None:
        """`keys` are done."""
        self.open[self._positions(keys)] = False

    def free(self) -> np.ndarray:
        """Which keys nobody has done or claimed. Call it holding the claims' lock."""
        claimed = self.claims.live_keys()
        # After the claims: the shard of one that is released meanwhile is there by then.
        self.refresh()
        free = self.open.copy()
        free[self._positions(claimed)] = False
        return free

    def sweep(self) -> None:
        """Remove what killed processes left half written, if nobody is writing."""
        with self.claims.lock:
            if not len(self.claims.live_keys()):
                self.store.remove_remains()

    def _positions(self, keys: np.ndarray) -> np.ndarray:
        """Where those of `keys` that were missing at first are in `self.keys`."""
        if not len(self.keys):
            return np.empty(0, np.int64)
        found = np.searchsorted(self.keys, keys, sorter=self._sorted)
        positions = self._sorted[np.minimum(found, len(self.keys) - 1)]
        return positions[self.keys[positions] == keys]


class Work:
    """The rows of a manifest that one or several stores miss, claimed chunk by chunk.

    Args:
        stores: what is to be filled.
        row_keys: for each store the keys of all rows, (n,).
        batch_size: chunks are multiples of it where they can be.
        rank, world_size: each process begins at its own share of the rows, and helps with the
            others' when it is through.
        chunk_rows: at most so many rows a chunk, which is what an interruption loses.
    """

    def __init__(
        self,
        stores: Sequence[FeatureStore],
        row_keys: Sequence[np.ndarray],
        *,
        batch_size: int,
        rank: int = 0,
        world_size: int = 1,
        chunk_rows: int | None = None,
    ) -> None:
        self._pending = [_Pending(*pair) for pair in zip(stores, row_keys, strict=True)]
        self._held: list[Chunk] = []
        self._first_row = len(row_keys[0]) * rank // world_size
        row_bytes = sum(
            math.prod(store.shape) * np.dtype(store.record["dtype"]).itemsize for store in stores
        )
        limit = min(chunk_rows or _CHUNK_ROWS, _CHUNK_BYTES // row_bytes)
        if world_size > 1:  # so that all have something to do, and end at about the same time
            rows = max(len(pending.keys) for pending in self._pending)
            limit = min(limit, math.ceil(rows / (4 * world_size)))
        limit = max(limit, 1)
        # No small batch at the end of every chunk.
        self._chunk_rows = limit - limit % batch_size if limit > batch_size else limit
        self._reported = self.n_open
        for pending in self._pending:
            if len(pending.keys):
                pending.sweep()

    @property
    def n_open(self) -> int:
        """Features that are not in their store yet."""
        return sum(int(pending.open.sum()) for pending in self._pending)

    def advance(self) -> int:
        """Look at what any process has finished; returns how many features that is."""
        for pending in self._pending:
            pending.refresh()
        done = self._reported - self.n_open
        self._reported -= done
        return done

    def chunks(self) -> Iterator[Chunk]:
        """Chunks for this process until nothing is left to claim."""
        while (chunk := self._claim()) is not None:
            yield chunk

    def finish(self, chunk: Chunk, features: Sequence[np.ndarray]) -> None:
        """File a chunk's features, one array a store (of no rows where it wants none)."""
        for index, claim in chunk.claims.items():
            self._pending[index].store.add(claim.keys, features[index])
            self._pending[index].close(claim.keys)
        chunk.release()
        self._held.remove(chunk)

    def release(self) -> None:
        """Give up whatever is claimed and not finished."""
        for chunk in self._held:
            chunk.release()
        self._held.clear()

    def _claim(self) -> Chunk | None:
        with ExitStack() as stack:
            # Always in the same order, or two processes could wait for each other.
            for pending in sorted(self._pending, key=lambda each: str(each.store.path)):
                stack.enter_context(pending.claims.lock)
            free = [pending.free() for pending in self._pending]
            rows = np.unique(
                np.concatenate([p.rows[f] for p, f in zip(self._pending, free, strict=True)])
            )
            if not len(rows):
                return None
            rows = np.roll(rows, -np.searchsorted(rows, self._first_row))
            rows = np.sort(rows[: self._chunk_rows])
            wanted = np.zeros(len(rows), np.int64)
            claims = {}
            for index, pending in enumerate(self._pending):
                chosen = free[index] & np.isin(pending.rows, rows)
                if chosen.any():
                    claims[index] = pending.claims.take(pending.keys[chosen])
                    wanted[np.searchsorted(rows, pending.rows[chosen])] |= 1 << index
        chunk = Chunk(items=list(zip(rows.tolist(), wanted.tolist(), strict=True)), claims=claims)
        self._held.append(chunk)
        return chunk


def work_through(
    work: Work,
    make: Callable[[Chunk, Callable[[int], object]], Sequence[np.ndarray]],
    *,
    label: str,
    unit: str,
    quiet: bool = False,
) -> None:
    """Do all that is open, with progress, until it is there, by whomever.

    Args:
        make: a chunk to its values, one array a store (of no rows where it wants none); it may
            report how many of them are ready before it returns.
        label, unit: of the progress bar.
    """
    with progress_bar(label, total=work.n_open, unit=unit, quiet=quiet) as bar:
        try:
            while work.n_open:
                for chunk in work.chunks():
                    reported = bar.n
                    values = make(chunk, bar.update)
                    work.finish(chunk, values)
                    bar.update(work.advance() - (bar.n - reported))
                bar.update(work.advance())
                if work.n_open:  # the rest is being done by others
                    time.sleep(_POLL_SECONDS)
        finally:
            work.release()
