"""A function of the user's, named ``module:function``."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgewright_runtimes.errors import BadInput


def load_function(spec: str) -> Callable[..., Any]:
    """Looked up from the current folder too. Raises ``BadInput`` where there is none."""
    module, _, name = spec.partition(":")
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        found: object = importlib.import_module(module)
        for part in name.split("."):
            found = getattr(found, part)
    except ModuleNotFoundError as e:
        raise BadInput(f"{spec}: no module named {e.name!r} here or installed") from e
    except (AttributeError, ValueError) as e:
        raise BadInput(f"{spec}: {e}", hint="name it module:function") from e
    except Exception as e:  # whatever a module of the user's raises when it is imported
        raise BadInput(f"{spec}: importing it raised {type(e).__name__}: {e}") from e
    finally:
        sys.path.remove(here)
    if not callable(found):
        raise BadInput(f"{spec} is {type(found).__name__}, a function was expected")
    return found
