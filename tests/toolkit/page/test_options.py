"""What is typed: where to listen, and what a device is called."""

from __future__ import annotations

import pytest
from tests.toolkit.page.phone import ANDROID, IPHONE

from edgewright.settings import Settings
from edgewright.targets.page.crowd import open_crowd
from edgewright.targets.page.labels import label_of, slug, unused
from edgewright.targets.page.options import PageOptions, page_options
from edgewright.targets.target import Crowd, open_places, open_target, parse_targets
from edgewright_runtimes.errors import BadInput, UsageError


@pytest.mark.parametrize(
    ("typed", "address", "port", "plain"),
    [
        ("", "127.0.0.1", 0, False),
        ("192.168.1.7", "192.168.1.7", 0, False),
        ("192.168.1.7:8443", "192.168.1.7", 8443, False),
        ("http://192.168.1.7:80/", "192.168.1.7", 80, True),
        ("https://192.168.1.7", "192.168.1.7", 0, False),
        ("[fd00::7]:8443", "fd00::7", 8443, False),
        ("fd00::7", "fd00::7", 0, False),
        ("::", "::", 0, False),
    ],
)
def test_where_to_listen(typed: str, address: str, port: int, plain: bool) -> None:
    found = page_options(typed)
    assert (found.address, found.port, found.plain) == (address, port, plain)


@pytest.mark.parametrize("typed", ["ftp://1.2.3.4", "1.2.3.4:x", "1.2.3.4:99999", "a b/c", "[::1"])
def test_what_is_no_address(typed: str) -> None:
    with pytest.raises(BadInput):
        page_options(typed)


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "::ffff:0.0.0.0"])
def test_all_networks_at_once_are_refused(address: str) -> None:
    with pytest.raises(BadInput, match=r"every network; name the one address .*: \d+\."):
        open_crowd("page", Settings(page=PageOptions(address=address)))


def test_a_name_is_not_looked_up() -> None:
    with pytest.raises(BadInput, match=r"'example\.org' is no address; a number: "):
        open_crowd("page", Settings(page=PageOptions(address="example.org")))


def test_only_bench_and_check_take_it() -> None:
    with pytest.raises(UsageError, match="'page' is for bench and check"):
        open_target(parse_targets("page")[0], Settings())
    (place,) = open_places("page", Settings())
    assert isinstance(place, Crowd)


@pytest.mark.parametrize(
    ("agent", "label"),
    [
        (ANDROID, "chrome-android"),
        (IPHONE, "safari-iphone"),
        ("Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0", "firefox-android"),
        ("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/150 Safari/537 Edg/150", "edge-windows"),
        ("curl/8", "browser"),
        ("", "browser"),
    ],
)
def test_a_device_is_called_by_what_it_is(agent: str, label: str) -> None:
    assert label_of(agent) == label


def test_typed_names_become_words() -> None:
    assert slug("  Zoë's Phone!! ") == "zoe-s-phone"
    assert slug("../../x\x1b[2J") == "x-2j"
    assert slug("★") == "" and len(slug("x" * 99)) == 40
    assert unused("a", {"a", "a-2"}) == "a-3"
