"""The rules: each reads evidence from a profile, and says what to do about it.

A rule says nothing where it finds nothing. Thresholds are below; none is a law of a runtime.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil

from edgewright.explanations.profile import Op, Profile
from edgewright.inspection.graph import FLOATS, is_integer

SMALL_MACS = 20_000  # fewer: the fixed cost of a call, a microsecond or so, is what is paid
WASTE = 0.2  # of the lanes
SPARSE = 0.4  # zeros among the weights
LINES = 4  # of one rule; the rest is counted
FAST_US = 200.0  # a whole model this short gains little from threads
_MOVES = ("Transpose", "TRANSPOSE", "Reshape", "RESHAPE", "ReorderInput", "ReorderOutput")
_DOTS = ("avx512_vnni", "avx_vnni", "amx_int8", "asimddp", "i8mm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """``share`` is of the time (of the MACs where none was measured), ``None`` where unknown.

    ``op`` and ``layer`` are empty for what concerns the whole model.
    """

    rule: str
    op: str = ""
    layer: str = ""
    share: float | None = None
    why: str
    do: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Processor features as ``edgewright_runtimes.environment`` words them, and its cores."""

    features: frozenset[str]
    cores: int

    def lanes(self, precision: str) -> int:
        """Channels that one SIMD step takes, as the kernels tile them."""
        if "avx512f" in self.features:
            return 16
        if "avx2" in self.features:
            return 8
        return 8 if is_integer(precision) else 4


def explain_profile(profile: Profile, machine: Machine) -> tuple[Finding, ...]:
    """What was found, the greatest share first; what concerns the whole model comes last."""
    found = [f for rule in RULES for f in _limited(profile, rule(profile, machine))]
    return tuple(sorted(found, key=lambda f: -1.0 if f.share is None else -2.0 - f.share))


def _limited(profile: Profile, findings: Iterator[Finding]) -> Iterator[Finding]:
    """The greatest of one rule, and how many there are besides."""
    found = sorted(findings, key=lambda f: -(f.share or 0.0))
    yield from found[:LINES]
    rest = found[LINES:]
    if rest:
        shares = [f.share for f in rest if f.share is not None]
        yield Finding(
            rule=rest[0].rule,
            share=sum(shares) if shares else None,
            op=f"{len(rest)} more",
            why=", ".join(dict.fromkeys(f.layer or f.op for f in rest)),
            do=rest[0].do,
        )


def _is_integer_model(profile: Profile) -> bool:
    return any(is_integer(op.precision) for op in profile.ops)


def float_fallback(profile: Profile, _: Machine) -> Iterator[Finding]:
    if not _is_integer_model(profile):
        return
    for op in profile.ops:
        if op.precision in FLOATS and op.op not in _MOVES:
            yield _of(
                profile,
                op,
                "float fallback",
                f"computes in {op.precision} in an integer model: converted before and after",
                "take it out of keep_float where mixed precision put it there; else it has no"
                " integer kernel in this format: replace the layer by one that has",
            )


def left_over_pairs(profile: Profile, _: Machine) -> Iterator[Finding]:
    for op in profile.ops:
        if op.precision == "conversion" and not op.edge:
            yield _of(
                profile,
                op,
                "conversion inside",
                "a conversion between integers and floats (or two scales) that was not fused away",
                "it stands beside a float operation or between two scales: quantize its"
                " neighbours too, or keep the whole stretch float",
            )


def moves(profile: Profile, _: Machine) -> Iterator[Finding]:
    for op in profile.ops:
        share = profile.share(op)
        if op.op in _MOVES and profile.measured and share is not None and share >= 0.01:
            added = op.op.startswith("Reorder") or op.name.startswith(op.op)
            do = (
                "the runtime put it in between kernels of two layouts: keep neighbours in one"
                " precision"
                if added
                else "build the model without it, in the layout that the format runs in"
            )
            yield _of(profile, op, "data movement", "moves data and computes nothing", do)


def small_layers(profile: Profile, _: Machine) -> Iterator[Finding]:
    for op in profile.ops:
        if op.macs and op.macs < SMALL_MACS:
            yield _of(
                profile,
                op,
                "too small to pay",
                f"{op.macs:,} multiply-accumulates: the call costs more than the arithmetic,"
                " in integers as in floats",
                "nothing is gained by quantizing or thinning it; merge it with its neighbour",
            )


def lanes(profile: Profile, machine: Machine) -> Iterator[Finding]:
    for op in profile.ops:
        count = machine.lanes(op.precision)
        if not op.macs or not op.channels or op.macs < SMALL_MACS:
            continue
        wasted = 1 - op.channels / (count * ceil(op.channels / count))
        if wasted >= WASTE:
            better = count * max(1, op.channels // count)
            yield _of(
                profile,
                op,
                "lanes wasted",
                f"{op.channels} channels on {count} lanes: {wasted:.0%} of the lanes idle",
                f"{better} or {count * ceil(op.channels / count)} channels: measure both"
                " (compress: prune-channels, objective latency)",
            )


def sparse(profile: Profile, _: Machine) -> Iterator[Finding]:
    for op in profile.ops:
        if op.zeros is not None and op.zeros >= SPARSE:
            yield _of(
                profile,
                op,
                "sparse for nothing",
                f"{op.zeros:.0%} of its weights are zero, and the kernel multiplies by them",
                "sparsity makes the zipped file smaller, not the model faster: remove whole"
                " channels instead (prune-channels)",
            )


def delegate(profile: Profile, _: Machine) -> Iterator[Finding]:
    if profile.format != "tflite":
        return
    if profile.delegate == "none":
        yield Finding(
            rule="no delegate",
            why="no operation runs in XNNPACK",
            do="fixed shapes and a scheme that XNNPACK has (float32, int8) bring it in force",
        )
        return
    for op in profile.ops:
        if not op.inside:
            yield _of(
                profile,
                op,
                "outside the delegate",
                f"{profile.delegate} is in force, without this operation ({op.precision})",
                "XNNPACK has no kernel for it in this precision, or its shapes are free: another"
                " layer, another scheme, or fixed shapes bring it in",
            )


def no_dot_product(profile: Profile, machine: Machine) -> Iterator[Finding]:
    if _is_integer_model(profile) and not machine.features.intersection(_DOTS):
        yield Finding(
            rule="no dot product",
            why=f"this processor has none of {', '.join(_DOTS)}: int8 is multiplied in 16 bits",
            do="expect little from int8 here; a Cortex-A76 (Pi 5) or an x86 with VNNI has it",
        )


def threads(profile: Profile, machine: Machine) -> Iterator[Finding]:
    if profile.whole_ns is None or machine.cores == 1:
        return
    micros = profile.whole_ns / 1000
    if profile.threads > 1 and micros < FAST_US:
        yield Finding(
            rule="threads",
            why=f"{profile.threads} threads for {micros:.0f} us: meeting costs more than it saves",
            do="--threads 1",
        )
    elif profile.threads == 1 and micros >= FAST_US:
        yield Finding(
            rule="threads",
            why=f"one thread of {machine.cores} cores takes {micros:.0f} us",
            do=f"measure --threads {machine.cores} with bench",
        )


def _of(profile: Profile, op: Op, rule: str, why: str, do: str) -> Finding:
    layer = op.layer or ("" if op.name.startswith(op.op) else op.name)  # what a runtime put in
    return Finding(rule=rule, op=op.op, layer=layer, share=profile.share(op), why=why, do=do)


Rule = Callable[[Profile, Machine], Iterator[Finding]]
RULES: Sequence[Rule] = (
    float_fallback,
    left_over_pairs,
    moves,
    small_layers,
    lanes,
    sparse,
    delegate,
    no_dot_product,
    threads,
)


def slowest(profile: Profile, count: int = 10) -> Iterable[Op]:
    """The operations with the greatest shares."""
    return sorted(profile.ops, key=lambda op: -(profile.share(op) or 0.0))[:count]
