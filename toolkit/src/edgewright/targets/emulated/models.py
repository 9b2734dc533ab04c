"""The boards: a processor as qemu has it, and the files by which programs recognise it.

LiteRT and ONNX Runtime read ``/proc/cpuinfo`` to choose their kernels, and crash on that of
another architecture. Sources of the texts: the two boards' own files (kernel 6.1), without the
serial number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edgewright_runtimes.errors import UnknownName

CORES = 4
_CPUINFO = """\
processor\t: {number}
BogoMIPS\t: 108.00
Features\t: {features}
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: {variant}
CPU part\t: {part}
CPU revision\t: {step}

"""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardModel:
    """``cpu`` is qemu's name; ``variant``, ``part`` and ``step`` are of the processor's id."""

    name: str
    title: str
    cpu: str
    variant: str
    part: str
    step: int
    features: str
    revision: str

    def files(self) -> Mapping[str, str]:
        """What its ``/proc`` and ``/sys`` say, by path without the leading slash."""
        cores = "".join(
            _CPUINFO.format(
                number=n,
                features=self.features,
                variant=self.variant,
                part=self.part,
                step=self.step,
            )
            for n in range(CORES)
        )
        some = f"0-{CORES - 1}\n"
        return {
            "proc/cpuinfo": f"{cores}Revision\t: {self.revision}\nModel\t\t: {self.title}\n",
            "proc/device-tree/model": f"{self.title}\0",
            "sys/firmware/devicetree/base/model": f"{self.title}\0",
            **{f"sys/devices/system/cpu/{n}": some for n in ("online", "possible", "present")},
        }


MODELS: Mapping[str, BoardModel] = {
    model.name: model
    for model in (
        BoardModel(
            name="pi4",
            title="Raspberry Pi 4 Model B Rev 1.4",
            cpu="cortex-a72",  # no dot product
            variant="0x0",
            part="0xd08",
            step=3,
            features="fp asimd evtstrm crc32 cpuid",
            revision="c03114",
        ),
        BoardModel(
            name="pi5",
            title="Raspberry Pi 5 Model B Rev 1.0",
            cpu="cortex-a76",
            variant="0x4",
            part="0xd0b",
            step=1,
            features=(
                "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm "
                "lrcpc dcpop asimddp"
            ),
            revision="c04170",
        ),
    )
}


def board_model(name: str) -> BoardModel:
    """Raises ``UnknownName``."""
    if name not in MODELS:
        raise UnknownName("emulated board", name, MODELS)
    return MODELS[name]
