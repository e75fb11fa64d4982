"""A command that counts, slowly, and goes on from where it was stopped: `FILE TOTAL [END]`."""

import subprocess
import sys
import time
from pathlib import Path

from ccim_core.files import write_atomically
from ccim_core.progress import progress_bar


def main(path: Path, total: int, end: str) -> int:
    """Count to `total` in `path`; then end as told: well, with bad input, or with a defect.

    "child": it has started a process that sleeps and heeds no interrupt.
    """
    if end == "child":
        code = "import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); time.sleep(300)"
        subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    done = int(path.read_text(encoding="utf-8")) if path.exists() else 0
    with progress_bar("count", total=total, unit="numbers") as bar:
        bar.update(done)
        for number in range(done + 1, total + 1):
            time.sleep(0.02)
            with write_atomically(path) as temporary:  # an interrupt leaves the number before
                temporary.write_text(str(number), encoding="utf-8")
            bar.update(1)
    if end == "defect":
        raise RuntimeError("a detail for the log")
    if end == "refuse":
        print("error: Expected 3, got 4;\n  row 4: too many", file=sys.stderr)
        return 2
    print("counted")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(Path(sys.argv[1]), int(sys.argv[2]), (sys.argv[3:] or ["well"])[0]))
    except KeyboardInterrupt:
        sys.exit(130)
