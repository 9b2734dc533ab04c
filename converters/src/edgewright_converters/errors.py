"""What can go wrong between a source and an artifact.

EdgewrightError (runtimes)
  ConversionError        exit 1   a failure row of stage ``convert``
  VerificationError      exit 1   a failure row of stage ``verify``
  UsageError (runtimes)
    UnreadableSource     exit 2   no loader reads the file; each one's reason is in the message
    UnsafeSource         exit 2   it carries code, and ``--unsafe`` was not given
"""

from __future__ import annotations

from edgewright_runtimes.errors import EdgewrightError, UsageError


class ConversionError(EdgewrightError):
    pass


class VerificationError(EdgewrightError):
    pass


class UnreadableSource(UsageError):
    pass


class UnsafeSource(UsageError):
    pass
