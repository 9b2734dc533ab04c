"""The plots of sensitivity runs that were kept in the bundle (``--out BUNDLE/sensitivity``)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from edgewright.sensitivities import SensitivityResult, plot_svg, read_sensitivity
from edgewright.sensitivities.results import HEAD
from edgewright_runtimes.errors import BadInput

if TYPE_CHECKING:
    from edgewright.bundle import Bundle
    from edgewright.reporting.facts import Facts

FOLDERS = "sensitivity*"
NAMES = {"tflite": "TFLite", "onnx": "ONNX"}
ABOUT = {
    "quantize": "One activation, or one layer's weights, in 8 bits; all else in float.",
    "prune": "The least weights of one layer set to zero, and nothing trained again.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    name: str
    about: str
    chart: Markup


def read_runs(bundle: Bundle, problems: list[str]) -> tuple[SensitivityResult, ...]:
    """Those on the bundle's source; others, and damaged ones, are named in ``problems``."""
    source, found = bundle.source, []
    for path in sorted(bundle.path.glob(f"{FOLDERS}/{HEAD}")):
        try:
            run = read_sensitivity(path.parent)
        except (BadInput, OSError) as e:
            problems.append(str(e))
            continue
        if source is not None and run.head.source_sha256 != source.sha256:
            problems.append(f"{path.parent.name}: a sensitivity run set aside, of another model")
            continue
        found.append(run)
    return tuple(found)


def plots(facts: Facts) -> Iterator[Plot]:
    for run in facts.sensitivities:
        format_ = NAMES.get(run.head.format, run.head.format)
        for what, about in ABOUT.items():
            drawn = plot_svg(run, what=what)
            if drawn:
                yield Plot(
                    name=f"{format_}: {what}",
                    about=f"{about} {run.head.items:,} items of {run.head.data}.",
                    chart=Markup(drawn),
                )
