"""The page that runs models in a browser, as files: data only, nothing to import or run."""

from __future__ import annotations

from pathlib import Path

FILES = Path(__file__).parent / "static"


def static() -> Path:
    """The folder of ``index.html``, ``app/``, ``vendor/`` and ``licences/``.

    Raises ``FileNotFoundError`` in a clone where the page was not built.
    """
    if not (FILES / "index.html").is_file():
        raise FileNotFoundError(f"{FILES} holds no page: build it with `make install`")
    return FILES
