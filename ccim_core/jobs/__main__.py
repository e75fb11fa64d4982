"""`python -m ccim_core.jobs DIR`: the process of a job. `Jobs.start` starts it."""

import sys
from pathlib import Path

from ccim_core.jobs.runner import run_job

if __name__ == "__main__":
    sys.exit(run_job(Path(sys.argv[1])))
