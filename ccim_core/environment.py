"""Where numbers came from: versions, device, commit, command; written beside every result."""

from __future__ import annotations

import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

__all__ = ["describe_environment"]

_PACKAGES = ("torch", "torchvision", "numpy", "scikit-learn", "accelerate", "safetensors")


def describe_environment(*, device: str, processes: int = 1) -> dict[str, Any]:
    """JSON-safe record of versions, hardware, commit and command. Holds no machine paths."""
    return {
        "python": platform.python_version(),
        "packages": {name: metadata.version(name) for name in _PACKAGES},
        "system": platform.system(),
        "machine": platform.machine(),
        "device": _device_name(device),
        "processes": processes,
        "commit": _commit(),
        "command": [Path(sys.argv[0]).name, *_without_folders(sys.argv[1:])],
    }


def _without_folders(arguments: list[str]) -> list[str]:
    return [Path(word).name if Path(word).is_absolute() else word for word in arguments]


def _device_name(device: str) -> str:
    if device.startswith("cuda"):
        import torch

        return torch.cuda.get_device_name(device)
    return "cpu"


def _commit() -> str | None:
    """The commit of this source tree, with "-dirty" for uncommitted changes; None outside git."""
    root = Path(__file__).resolve().parent.parent
    try:
        commit = subprocess.run(
            ["git", "-C", str(root), "rev-parse", "HEAD"],
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        ).stdout.strip()
        changes = subprocess.run(
            ["git", "-C", str(root), "status", "--porcelain", "--untracked-files=no"],
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
    return commit + ("-dirty" if changes else "")
