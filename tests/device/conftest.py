"""A device to log in to: this machine, through an ``sshd`` of the tests' own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.device.ssh_server import SshServer, is_there

MakeSshd = Callable[..., SshServer]


@pytest.fixture(scope="session")
def sshd_is_there() -> None:
    if not is_there():
        pytest.skip("no sshd for the tests on this machine (scripts/get_sshd.sh)")


@pytest.fixture
def make_sshd(sshd_is_there: None, tmp_path: Path) -> Iterator[MakeSshd]:
    """``make_sshd(PasswordAuthentication="yes")``: a server with settings of its own."""
    made: list[SshServer] = []

    def make(**settings: str) -> SshServer:
        made.append(SshServer(tmp_path / f"sshd-{len(made)}", settings))
        return made[-1]

    yield make
    for server in made:
        server.close()


@pytest.fixture
def sshd(make_sshd: MakeSshd) -> SshServer:
    """A server that lets ``pi`` in by key and is known to the client; its home is empty.

    ``Link(sshd.destination, options=sshd.options)``; a command line needs ``sshd.environment``.
    """
    return make_sshd()
