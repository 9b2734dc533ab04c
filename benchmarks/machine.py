"""The line that stands above every table: what it was measured on, and when."""

from __future__ import annotations

import os
import platform
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path


def describe_machine(*packages: str) -> str:
    """Processor, cores, system, Python, date, and the versions that matter to the table."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in packages)
    today = datetime.now(timezone.utc).strftime("%Y-%m-%d")
    where = f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}"
    return f"{where}, {today}{'; ' + versions if versions else ''}"
