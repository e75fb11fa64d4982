"""A command that counts, slowly, and goes on from where it was stopped: `FILE TOTAL [END]`."""

import sys
import time
from pathlib import Path

from ccim_core.progress import progress_bar


def main(path: Path, total: int, end: str) -> int:
    """Count to `total` in `path`; then end as told: well, with bad input, or with a defect."""
    done = int(path.read_text()) if path.exists() else 0
    with progress_bar("count", total=total, unit="numbers") as bar:
        bar.update(done)
        for number in range(done + 1, total + 1):
            time.sleep(0.02)
            path.write_text(str(number))
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
