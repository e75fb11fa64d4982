"""What a start needs: no module of POSIX for jobs, no reader of other programs' weights."""

import subprocess
import sys

_NO_POSIX = """
import psutil  # its part for Linux needs resource
import sys
for name in ("fcntl", "pwd", "grp", "termios", "resource"):
    sys.modules[name] = None
import ccim_core.jobs.engine
"""

_READERS = """
import sys
import ccim_core.encoder_specs, ccim_core.predict
names = ("caffemodel", "caffe_networks", "torch7", "torch7_networks")
assert not [n for n in names if f"ccim_core.conversion.{n}" in sys.modules]
"""


def _run(code: str) -> None:
    subprocess.run([sys.executable, "-c", code], check=True)


def test_jobs_import_without_modules_of_posix() -> None:
    _run(_NO_POSIX)


def test_predictions_load_no_reader_of_caffe_or_torch7() -> None:
    _run(_READERS)
