"""One at a time, also after an error; who waits gets in."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event, Thread

import pytest

from edgewright_runtimes.turn import make_turn


def test_nobody_is_inside_with_another() -> None:
    turn, inside, most = make_turn(), 0, 0

    def enter() -> None:
        nonlocal inside, most
        with turn:
            inside += 1
            most = max(most, inside)
            sum(range(200))  # long enough for a switch of threads
            inside -= 1

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(enter) for _ in range(2000)]:
            done.result()
    assert most == 1


def test_who_waits_gets_in_when_the_other_leaves() -> None:
    turn, got_in = make_turn(), Event()

    def enter() -> None:
        with turn:
            got_in.set()

    with turn:
        other = Thread(target=enter)
        other.start()
        assert not got_in.wait(0.05)
    assert got_in.wait(10)
    other.join()


def test_an_error_goes_through_and_gives_the_turn_back() -> None:
    turn = make_turn()
    for _ in range(2):
        with pytest.raises(ZeroDivisionError), turn:
            raise ZeroDivisionError
    with turn:
        pass
