import os
import signal
import time
from pathlib import Path

import numpy as np

from ccim_core.features.claims import Claims

KEYS = np.array([b"a" * 32, b"b" * 32], "S32")


def live(directory: Path) -> list[bytes]:
    claims = Claims(directory)
    with claims.lock:
        return claims.live_keys().tolist()


def test_claims_last_until_they_are_released(tmp_path: Path) -> None:
    claims = Claims(tmp_path)
    assert live(tmp_path) == []
    with claims.lock:
        first, second = claims.take(KEYS[:1]), claims.take(KEYS[1:])
    assert sorted(live(tmp_path)) == KEYS.tolist()
    first.release()
    assert live(tmp_path) == [KEYS[1]]
    second.release()
    assert live(tmp_path) == []
    assert {path.name for path in tmp_path.iterdir()} <= {"claims.lock"}


def test_a_killed_process_loses_its_claims(tmp_path: Path) -> None:
    readable, writable = os.pipe()
    child = os.fork()
    if child == 0:
        claims = Claims(tmp_path)
        with claims.lock:
            held = claims.take(KEYS)
        os.write(writable, b"held" if held else b"")
        time.sleep(60)
        os._exit(1)
    try:
        assert os.read(readable, 4) == b"held"
        assert live(tmp_path) == KEYS.tolist()
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(readable)
        os.close(writable)
    assert live(tmp_path) == []
    assert {path.name for path in tmp_path.iterdir()} <= {"claims.lock"}
