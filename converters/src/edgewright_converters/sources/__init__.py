"""What can be read. One module per kind of source; each satisfies ``source.Source``.

``open_source`` reads a file or a folder, ``from_object`` takes a live model, ``source_sha256``
names a source by its bytes. All are imported on first use: this package costs nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgewright_converters.sources.identity import source_sha256 as source_sha256
    from edgewright_converters.sources.live import from_object as from_object
    from edgewright_converters.sources.reading import open_source as open_source

_HOMES = {"source_sha256": "identity", "from_object": "live", "open_source": "reading"}
__all__ = ["from_object", "open_source", "source_sha256"]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
