"""Takes AMX away from this process and all it starts, on x86-64 Linux.

XNNPACK takes AMX kernels for int8 wherever it may. Their time goes with rows of pixels, hardly with
channels up to 64, so that narrower layers buy nothing on such a processor: timed with and without,
a table shows what the widths do and what the kernels do. A process asks the kernel for AMX's
registers (``arch_prctl(ARCH_REQ_XCOMP_PERM)``); a seccomp filter refuses that, and XNNPACK takes
AVX512-VNNI, as on processors that have no AMX.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct

# linux/prctl.h, linux/seccomp.h, asm/prctl.h, linux/audit.h, asm/unistd_64.h
NO_NEW_PRIVS, SET_SECCOMP, FILTER_MODE = 38, 22, 2
ARCH_REQ_XCOMP_PERM, AUDIT_X86_64, ARCH_PRCTL, EPERM = 0x1023, 0xC000003E, 158, 1
ALLOW, REFUSE = 0x7FFF0000, 0x00050000 | EPERM
LOAD, SAME, END = 0x20, 0x15, 0x06  # linux/bpf_common.h: ld abs word, jeq, ret
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_void_p))


def withhold_amx() -> None:
    """Call it before anything else runs. Raises ``SystemExit`` where it can't be done."""
    if platform.machine() != "x86_64" or platform.system() != "Linux":
        raise SystemExit("AMX is withheld on x86-64 Linux only")
    code = b"".join(
        struct.pack("HBBI", *line)
        for line in (
            (LOAD, 0, 0, ARCHITECTURE),
            (SAME, 0, 5, AUDIT_X86_64),
            (LOAD, 0, 0, NUMBER),
            (SAME, 0, 3, ARCH_PRCTL),
            (LOAD, 0, 0, FIRST_ARGUMENT),
            (SAME, 0, 1, ARCH_REQ_XCOMP_PERM),
            (END, 0, 0, REFUSE),
            (END, 0, 0, ALLOW),
        )
    )
    lines = ctypes.create_string_buffer(code, len(code))
    program = _Program(len(code) // 8, ctypes.cast(lines, ctypes.c_void_p))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(
        SET_SECCOMP, FILTER_MODE, ctypes.byref(program), 0, 0
    ):
        raise SystemExit(f"AMX can't be withheld: {os.strerror(ctypes.get_errno())}")
