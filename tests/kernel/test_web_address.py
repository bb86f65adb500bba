"""Which URLs are refused whatever their names point to."""

from __future__ import annotations

import pytest

from unlockshop.kernel.errors import Refused
from unlockshop.kernel.web_address import check_url


@pytest.mark.parametrize(
    "url",
    [
        "https://panel.example.com",
        "https://panel.example.com:8443/api/index.php",
        "https://8.8.8.8/",
        "https://x.test.",
    ],
)
def test_addresses_of_the_public_web(url: str) -> None:
    check_url(url, allow_loopback=False)


@pytest.mark.parametrize(
    "url",
    [
        "http://panel.example.com/", "file:///etc/passwd", "gopher://x.test/", "//x.test/", "x.test", "", "https://",
        "https://127.0.0.1/", "https://[::1]/", "https://10.1.2.3/", "https://169.254.169.254/", "https://100.64.0.1/",
        "https://0.0.0.0/", "https://2130706433/", "https://0x7f000001/", "https://0177.0.0.1/", "https://127.1/",
        "https://[::ffff:127.0.0.1]/", "https://[::ffff:7f00:1]/", "https://[64:ff9b::7f00:1]/", "https://localhost/",
        "https://a.localhost/", "https://redis/", "https://x.test:22/", "https://x.test:6379/", "https://x.test:0/",
        "https://user:pw@x.test/", "https://x.test/#a", "https://x.test/ a", "https://x.test\\@127.0.0.1/",
        "https://x.test:99999/", "https://[::1", "https://x.test/\n",
    ],
)  # fmt: skip
def test_addresses_that_are_refused(url: str) -> None:
    with pytest.raises(Refused) as caught:
        check_url(url, allow_loopback=False)
    assert caught.value.code == "address"


@pytest.mark.parametrize("url", ["http://127.0.0.1:8001/", "http://[::1]:9/", "http://localhost:8001/x"])
def test_this_machine_is_for_the_demo_alone(url: str) -> None:
    check_url(url, allow_loopback=True)
    with pytest.raises(Refused):
        check_url(url, allow_loopback=False)


def test_the_demo_does_not_open_our_network() -> None:
    for url in ("http://10.0.0.1/", "https://192.168.1.1/", "http://x.test/", "https://[::ffff:127.0.0.1]/"):
        with pytest.raises(Refused):
            check_url(url, allow_loopback=True)
