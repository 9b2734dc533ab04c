"""The preprocessing that a user declares, from its small TOML file."""

from __future__ import annotations

import sys
from pathlib import Path

from edgewright_runtimes.errors import BadInput
from edgewright_runtimes.preprocess import Preprocess


def load_preprocess(path: Path) -> Preprocess:
    """Read and check the file; ``BadInput`` where it is absent, no TOML, or declares nonsense."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        mapping = tomllib.loads(path.read_text("utf-8"))
    except OSError as e:
        raise BadInput(f"{path}: {e.strerror}", hint="--preprocess takes a TOML file") from e
    except ValueError as e:  # of TOML, or of UTF-8
        raise BadInput(f"{path}: not TOML ({e})") from e
    try:
        return Preprocess.from_dict(mapping)
    except BadInput as e:
        raise BadInput(f"{path}: {e.args[0]}", hint=e.hint) from e
