"""The names this server answers to, in every spelling, and the pages that are its own."""

import pytest

from backend.domain.addresses import Addresses, is_literal_authority, read_host

OURS = Addresses("https://jiesu.example:8443", ["热线.example", "10.0.0.5", "fd00::5", "0.0.0.0", "::"])
KNOWN = (
    "jiesu.example", "jiesu.example:8443", "JIESU.Example:80", "jiesu.example.", "jiesu.example.:443",  # port, case, dot
    "xn--lrxu80a.example", "10.0.0.5", "10.0.0.5:8080", "[fd00::5]", "[FD00:0:0::0005]:9",
    "127.0.0.1", "127.0.0.1:1", "localhost", "LOCALHOST.:8080", "[::1]", "[0:0:0:0:0:0:0:1]:80",
)  # fmt: skip
FOREIGN = (
    "", ".", ":80", "evil.example", "127.0.0.1.evil.example", "jiesu.example.evil", "evil-jiesu.example", "sub.jiesu.example",
    "x@jiesu.example", "jiesu.example@evil.example", "jiesu.example#evil", "jiesu.example/evil", "jiesu.example\\evil",
    "jiesu.example evil", " jiesu.example", "jiesu.example,evil.example", "jiesu.example..", "jiesu.example:",
    "jiesu.example:65536", "jiesu.example:8o", "jiesu.example:-1", "jiesu.example:80:80", "jiesu%2eexample", "*.example",
    "127.0.0.2", "127.0.0.9:1", "127.255.255.255", "127.1", "2130706433", "0x7f.0.0.1", "0177.0.0.1", "127.0.0.01", "0.0.0.0", "[::]", "::1", "[::2]", "[::1", "[", "[]", "[::1%25eth0]",
    "[::ffff:127.0.0.1]", "169.254.169.254", "10.0.0.50", "localhost.evil.example", "热线.example", "ＬＯＣＡＬＨＯＳＴ", "null",
)  # fmt: skip


@pytest.mark.parametrize("host", KNOWN)
def test_a_name_of_ours_is_known_in_every_spelling_of_it_FR9(host: str) -> None:
    assert OURS.knows(host)


@pytest.mark.parametrize("host", FOREIGN)
def test_no_other_name_is_however_much_it_looks_like_one_FR9(host: str) -> None:
    assert not OURS.knows(host)
    assert not OURS.owns(f"https://{host}")


def test_another_loopback_address_is_known_once_it_is_named() -> None:
    assert Addresses("http://127.0.0.2:8080", ["127.0.0.3"]).knows("127.0.0.2:8080")
    assert Addresses("http://127.0.0.1", ["127.0.0.3"]).knows("127.0.0.3")
    assert Addresses("http://127.0.0.1", ["127.0.0.3"]).owns("http://127.0.0.3:9")


def test_where_it_listens_for_all_is_no_name() -> None:
    assert OURS.names == {"jiesu.example", "xn--lrxu80a.example", "10.0.0.5", "fd00::5"}
    assert Addresses("http://0.0.0.0:8080", ["0.0.0.0"]).names == Addresses("http://127.0.0.1", ["::1"]).names == set()


ORIGINS = {
    "https://jiesu.example:8443": True,
    "https://jiesu.example": False,  # another port of the public name
    "http://jiesu.example:8443": False,  # whoever sits on the way writes such pages
    "http://10.0.0.5:8080": True,
    "https://xn--lrxu80a.example": True,
    "http://localhost:9000": True,  # through a tunnel
    "http://[::1]:8080": True,
    "null": False,
    "": False,
    "https://": False,
    "jiesu.example:8443": False,
    "file://localhost": False,
    "https://jiesu.example:8443/": False,
    "https://x@jiesu.example:8443": False,
    "https://evil.example": False,
}


@pytest.mark.parametrize("origin", ORIGINS)
def test_a_page_is_ours_by_what_is_configured_FR9(origin: str) -> None:
    assert OURS.owns(origin) is ORIGINS[origin]


def test_the_default_port_of_the_public_address_may_be_written_or_not_FR9() -> None:
    for public, origin in (("https://a.example", "https://a.example:443"), ("http://a.example:80", "http://a.example")):
        assert Addresses(public).owns(origin) and Addresses(public).owns(public)


@pytest.mark.parametrize(
    ("written", "host"),
    [
        ("Jiesu.Example.", "jiesu.example"), ("热线.example", "xn--lrxu80a.example"), ("::1", "::1"), ("[::1]", "::1"), ("10.0.0.5", "10.0.0.5"),
        ("jiesu.example:8080", None), ("[::1]:80", None), ("https://jiesu.example", None), ("*.example", None), ("10.0.0.0/8", None),
        ("a@b.example", None), ("a b", None), ("", None), (".", None), ("x" * 64 + ".example", None),
    ],
)  # fmt: skip
def test_a_configured_name_is_a_bare_host(written: str, host: str | None) -> None:
    assert read_host(written) == host


def test_probes_call_a_machine_by_its_number() -> None:
    assert all(map(is_literal_authority, ("10.244.1.7:8080", "[fd00::1]:8080", "172.17.0.2")))
    assert not any(map(is_literal_authority, ("evil.example", "10.244.1", "x@10.0.0.1", "[::1", "")))
