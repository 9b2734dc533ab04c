"""Which tensor hurts when it alone is quantized, which layer when it alone is pruned."""

from edgewright.sensitivities.plot import plot_svg
from edgewright.sensitivities.results import SensitivityResult, Trial, read_sensitivity

__all__ = ["SensitivityResult", "Trial", "plot_svg", "read_sensitivity"]
