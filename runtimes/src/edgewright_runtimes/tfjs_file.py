"""The ``model.json`` of a TensorFlow.js model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from edgewright_runtimes.errors import BadInput

USER_METADATA = "userDefinedMetadata"
MAX_JSON_BYTES = 1 << 28


def read_model_json(path: Path) -> dict[str, Any]:
    """The whole of ``model.json``; weights lie in shards beside it and are not read.

    Raises ``BadInput`` for what is not the JSON of a TF.js model.
    """
    try:
        if path.stat().st_size > MAX_JSON_BYTES:
            raise BadInput(f"{path}: over {MAX_JSON_BYTES} bytes of JSON")
        model = json.loads(path.read_bytes())
    except OSError as e:
        raise BadInput(f"{path}: {e.strerror or e}") from e
    except RecursionError:
        raise BadInput(f"{path}: JSON nested too deep") from None
    except ValueError as e:
        raise BadInput(f"{path}: truncated or corrupt (not JSON: {e})") from e
    if not isinstance(model, dict) or "modelTopology" not in model:
        raise BadInput(f"{path}: not a TF.js model (no modelTopology)")
    return model


def read_user_metadata(path: Path, key: str) -> Any:
    """One entry of ``userDefinedMetadata``, or None."""
    metadata = read_model_json(path).get(USER_METADATA)
    return metadata.get(key) if isinstance(metadata, dict) else None
