"""TF.js: one key of ``userDefinedMetadata``; its other keys mean something to TF.js itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import BinaryIO

from edgewright_runtimes.contract import KEY, LABEL_NAMES, to_payload
from edgewright_runtimes.errors import BadInput
from edgewright_runtimes.records import Contract
from edgewright_runtimes.tfjs_file import USER_METADATA, read_model_json


def write(path: Path, contract: Contract, out: BinaryIO) -> None:
    """Write the ``model.json`` at ``path`` to ``out`` with the contract in it."""
    model = read_model_json(path)
    metadata = model.get(USER_METADATA) or {}
    if not isinstance(metadata, dict):
        raise BadInput(f"{path}: {USER_METADATA} is not a JSON object")
    payload = to_payload(contract)
    if contract.labels:
        payload[LABEL_NAMES] = list(contract.labels)
    model[USER_METADATA] = {**metadata, KEY: payload}
    out.write(json.dumps(model, separators=(",", ":")).encode())
