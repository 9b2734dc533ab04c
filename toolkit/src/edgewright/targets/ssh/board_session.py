"""A board that is set up, for as long as a target is used: where things lie, what was done."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edgewright.targets.ssh.files import ContentNames

if TYPE_CHECKING:
    from edgewright.targets.ssh.installation import Installed
    from edgewright.targets.ssh.link import Link


@dataclass(slots=True)
class BoardSession:
    """``given_up``: no link could be had for as long as one waits; nobody waits so long again.

    ``taken``: folders of jobs there whose results are all here.
    """

    link: Link
    installed: Installed
    name: str = field(default_factory=lambda: secrets.token_hex(8))
    names: ContentNames = field(default_factory=ContentNames)
    given_up: bool = False
    taken: list[str] = field(default_factory=list)
    _jobs: int = 0

    @property
    def store(self) -> str:
        return f"{self.installed.root}/store"

    def next_folder(self) -> str:
        self._jobs += 1
        return f"{self.name}-{self._jobs}"

    def path(self, folder: str) -> str:
        return f"{self.installed.root}/jobs/{folder}"

    def agent(self, *words: str, runtime: str = "null") -> list[str]:
        """The command of a verb of the agent there; its worker has the packages of ``runtime``."""
        return self.installed.argv("-m", "edgewright_runtimes.agent", *words, runtime=runtime)
