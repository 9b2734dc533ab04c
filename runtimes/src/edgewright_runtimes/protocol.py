"""The words between a workstation and a target: JSON jobs in, NDJSON rows out.

One job is one line; its rows end with ``{"row": "done"}`` or ``{"row": "failure", ...}``. A worker
takes jobs until its input ends. Files are named by path and lie where the worker can read them;
arrays travel as ``.npz`` (one member per tensor name), never inside JSON.

Jobs (all carry ``protocol`` and ``job``):
  bench    artifact, runtime, threads, feeds (.npz), seconds, samples, max_samples, seed,
           samples_file (.npy, written), sensor_seconds
  predict  artifact, runtime, threads, inputs (.npz, [items, ...]), outputs (.npz, written)
  memory   artifact, runtime, threads, feeds   (a pass of its own: VmHWM of a fresh process)
  count    artifact, runtime, threads, feeds, calls, seconds, blocks   (marked: ``worker.marks``)
  stop     the job at hand ends early with what it has; no other is taken

Rows: ``loaded`` (load_ns, in_force, inputs, outputs), ``first`` (ns), ``environment`` (when:
before, during or after; values), ``samples`` (file, warmup_samples, calls_per_sample, partial),
``memory`` (peak_bytes, before_bytes), ``counted`` (blocks, calls_per_block), ``outputs`` (file),
``progress`` (done, of), ``failure`` (stage, error, hint), ``done``. A worker that is alive writes a
row every two seconds, or at the end of the call that takes longer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO, Any

from edgewright_runtimes.errors import BadInput

PROTOCOL = 1


def write_line(stream: IO[str], message: Mapping[str, Any]) -> None:
    stream.write(json.dumps(message, allow_nan=False) + "\n")
    stream.flush()


def read_line(line: str) -> dict[str, Any]:
    """One job or row; ``BadInput`` where it is not a JSON object of this protocol."""
    try:
        message = json.loads(line)
    except ValueError as e:
        raise BadInput(f"not a line of the protocol: {line[:80]!r}") from e
    if not isinstance(message, dict):
        raise BadInput(f"not a line of the protocol: {line[:80]!r}")
    if message.get("protocol", PROTOCOL) != PROTOCOL:
        raise BadInput(
            f"protocol {message['protocol']!r} here, {PROTOCOL} there", hint="update the older side"
        )
    return message
