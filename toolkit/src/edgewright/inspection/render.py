"""An inspection as plain lines, or as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from edgewright.inspection.graph import Inspection, is_integer
from edgewright_runtimes.contract import to_payload
from edgewright_runtimes.records import Contract, TensorSpec

_MAX_LISTED = 12


def plain(inspection: Inspection) -> dict[str, Any]:
    """What a program wants to read: every field, the contract's labels included."""
    return asdict(inspection)


def lines(inspection: Inspection) -> Iterator[str]:
    """The whole of one inspection, one fact a line; the table of ops comes last."""
    i = inspection
    yield f"{i.path}  ({i.format})"
    packed = f"zipped {i.zipped_bytes:,} B, brotli {i.brotli_bytes:,} B"
    yield f"  size           {i.size_bytes:,} B, {packed}"
    yield f"  parameters     {i.parameters:,}{_by_dtype(i)}"
    yield f"  MACs           {macs_text(i)}"
    for label, specs in (("input", i.inputs), ("output", i.outputs)):
        for spec in specs:
            yield f"  {label:14} {tensor_text(spec)}"
    yield f"  ops            {ops_text(i)}"
    for name, value in i.facts.items():
        yield f"  {name:14} {value}"
    yield from _web_lines(i.web_runtimes)
    yield from _contract_lines(i.contract)
    if i.float_ops:
        yield f"  in float       {len(i.float_ops)} in a graph with integer ops:"
        yield from (f"                 {name}" for name in _first(i.float_ops))
    for warning in i.warnings:
        yield f"  warning        {warning}"


def macs_text(inspection: Inspection) -> str:
    total = f"{inspection.macs:,}"
    if not inspection.unknown_macs:
        return total
    return f"{total} + unknown: {', '.join(_first(inspection.unknown_macs))}"


def ops_text(inspection: Inspection) -> str:
    """How many ops compute in what."""
    counts: dict[str, int] = {}
    for op in inspection.ops:
        counts[op.precision] = counts.get(op.precision, 0) + op.count
    order = sorted(counts.items(), key=lambda item: (-is_integer(item[0]), -item[1], item[0]))
    total = sum(counts.values())
    return f"{total}: " + ", ".join(f"{count} {precision}" for precision, count in order)


def tensor_text(spec: TensorSpec) -> str:
    dims = ", ".join("?" if d is None else str(d) for d in spec.shape)
    scale = "" if spec.scale is None else f", scale {spec.scale:.6g}, zero {spec.zero_point}"
    return f"{spec.name}: {spec.dtype} [{dims}]{scale}"


def _web_lines(web_runtimes: Mapping[str, str]) -> Iterator[str]:
    """Those that take it, then each that does not, with the reason."""
    taken = [name for name, why in web_runtimes.items() if not why]
    if web_runtimes:
        yield f"  in a browser   {', '.join(taken) or 'no runtime takes it'}"
    reasons = dict.fromkeys(why for why in web_runtimes.values() if why)
    for reason in reasons:
        names = ", ".join(name for name, why in web_runtimes.items() if why == reason)
        yield f"    not {names}: {reason}"


def _by_dtype(inspection: Inspection) -> str:
    stored = ", ".join(f"{count:,} {dtype}" for dtype, count in inspection.weights.items())
    return f" ({stored})" if stored else ""


def _contract_lines(contract: Contract | None) -> Iterator[str]:
    if contract is None:
        yield "  contract       none"
        return
    payload = to_payload(contract)
    batch = "dynamic" if contract.batch is None else contract.batch
    yield f"  contract       scheme {contract.scheme}, batch {batch}, schema {contract.schema}"
    for spec in contract.inputs:
        yield f"    takes        {tensor_text(spec)}"
    for spec in contract.outputs:
        yield f"    gives        {tensor_text(spec)}"
    for name in ("preprocess", "postprocess", "quantization", "provenance"):
        if name in payload:
            told = ", ".join(f"{key} {value}" for key, value in payload[name].items())
            yield f"    {name:12} {told}"
    if contract.stateful:
        yield "    stateful     yes: reset it between independent items"
    if contract.goldens_sha256:
        yield f"    goldens      {contract.goldens_sha256}"
    if contract.labels:
        yield f"    labels       {len(contract.labels)}: {', '.join(_first(contract.labels))}"


def _first(names: Sequence[str]) -> list[str]:
    """The first of many, and how many more there are."""
    more = len(names) - _MAX_LISTED
    return [*names[:_MAX_LISTED], f"and {more} more"] if more > 0 else list(names)
