"""Places that can't be reached, set up or built: a failure row each, and the others go on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from edgewright.atomic import WriteFailed
from edgewright.bundle import Bundle
from edgewright.targets.target import Place
from edgewright_runtimes.errors import EdgewrightError, UsageError
from edgewright_runtimes.records import Failure


@dataclass(slots=True)
class Lost:
    """``several``: there are other places; the error of an only one is raised too. ``tell`` hears
    the name of what was lost, and why. ``failures`` are this run's, which the bundle keeps."""

    bundle: Bundle
    several: bool
    tell: Callable[[str, str], None] = lambda name, words: None
    failures: list[Failure] = field(default_factory=list)

    @contextmanager
    def guard(self, place: Place) -> Iterator[None]:
        """Bad input and a full disk here end the run all the same: they are no place's own."""
        name = place.name
        self.bundle.clear_failures(artifact="", stages=("transport",), target=name)
        try:
            yield
        except (UsageError, WriteFailed):
            raise
        except EdgewrightError as e:
            error = str(e.args[0])
            failure = Failure(artifact="", stage="transport", error=error, hint=e.hint, target=name)
            self.bundle.add_failure(failure)
            if not self.several:
                raise
            self.failures.append(failure)
            self.tell(name, f"FAILED at transport: {error}" + (f"; {e.hint}" if e.hint else ""))
