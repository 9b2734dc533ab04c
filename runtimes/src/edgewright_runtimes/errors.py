"""Errors a user can act on. Anything else that escapes is a bug of ours.

EdgewrightError        exit 1
  UsageError           exit 2   bad input, an unknown name, a file that can't be read
    UnknownName          a verb, format, variant, runtime or metric that is not one we know
    BadInput             a file or an array that is not what was expected
    MissingExtra         known, but its package is not installed
  ArtifactError        exit 1   an artifact that can't be opened or run by its runtime
"""

from __future__ import annotations

from collections.abc import Iterable


class EdgewrightError(Exception):
    """Base of every error meant for the user; shown in one line, without a traceback.

    ``hint`` is what to do about it, shown after the message.
    """

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint

    def __str__(self) -> str:
        message = str(self.args[0])
        return f"{message}; {self.hint}" if self.hint else message


class UsageError(EdgewrightError):
    exit_code = 2


class UnknownName(UsageError):
    """``kind`` and the known names make the message: near misses are suggested."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        import difflib  # not on the way of an app that starts

        names = sorted(known)
        near = difflib.get_close_matches(name, names, n=1)
        meant = f"; did you mean {near[0]!r}?" if near else ""
        super().__init__(f"no {kind} named {name!r}; known: {', '.join(names)}{meant}")


class BadInput(UsageError):
    pass


class MissingExtra(UsageError):
    pass


class ArtifactError(EdgewrightError):
    pass
