"""Only exact names, only port 443, only addresses in the open internet."""

from datetime import UTC, datetime

import pytest
from hypothesis import given, strategies as st

from autorun.core.errors import ConfigurationError
from autorun.core.sandbox.domains import Blocked, Target, allowed_names, asked, is_public, objection


@pytest.mark.parametrize(
    "name",
    ["", "*", "*.example.org", ".example.org", "example.org.", "https://example.org", "example.org:443", "a b.org",
     "example.org/x", "localhost", "127.0.0.1", "::1", "[::1]", "0x7f.1", "ex\u00e4mple.org", "a..org", "-a.org",
     "github.com", "API.GitHub.com", "example.org\n", "a" * 64 + ".org", ".".join(["a" * 60] * 5) + ".org"],
)  # fmt: skip
def test_what_is_no_exact_public_name_is_a_configuration_error(name: str) -> None:
    """Patterns, addresses, URLs and the forge itself cannot be allowed."""
    with pytest.raises(ConfigurationError) as refused:
        allowed_names([name])
    assert refused.value.hint


def test_names_match_whole_and_in_any_case() -> None:
    """A subdomain, a longer name, another port are other targets."""
    names = allowed_names(["Packages.example.org", "files.example.net"])
    assert names == {"packages.example.org", "files.example.net"}
    assert objection(Target(host="packages.example.org", port=443), names) == ""
    assert "allow_domains" in objection(Target(host="evil.packages.example.org", port=443), names)
    assert "allow_domains" in objection(Target(host="packages.example.org.evil.example", port=443), names)
    assert "443" in objection(Target(host="packages.example.org", port=80), names)
    assert "allow_domains" in objection(Target(host="github.com", port=443), names | {"github.com"})


@pytest.mark.parametrize(
    ("head", "target"),
    [
        (
            b"CONNECT Packages.example.org:443 HTTP/1.1\r\nHost: evil\r\n\r\n",
            Target(host="packages.example.org", port=443),
        ),
        (b"CONNECT [::1]:443 HTTP/1.1\r\n\r\n", None),
        (b"GET http://packages.example.org/ HTTP/1.1\r\n\r\n", None),
        (b"CONNECT packages.example.org HTTP/1.1\r\n\r\n", None),
        (b"CONNECT packages.example.org:443\r\n\r\n", None),
        (b"CONNECT \xc3\xa4.org:443 HTTP/1.1\r\n\r\n", None),
        (b"\x05\x01\x00", None),
        (b"", None),
    ],
)
def test_only_a_plain_connect_is_understood(head: bytes, target: Target | None) -> None:
    """Anything else has no target."""
    assert asked(head) == target


@pytest.mark.parametrize(
    ("host", "port", "during", "sentence"),
    [
        ("evil.example", 443, "", "A connection to evil.example:443 was refused: No."),
        ("evil.example", 80, "npm ci", "A connection to evil.example:80 was refused: No. Made by: npm ci"),
        ("GET http://evil.example/", 0, "", "A connection to `GET http://evil.example/` was refused: No."),
    ],
)
def test_a_refused_connection_is_told_in_a_sentence(host: str, port: int, during: str, sentence: str) -> None:
    """With its port where it had one, and with what was being done then, if that is known."""
    refused = Blocked(host=host, port=port, at=datetime(2026, 11, 20, tzinfo=UTC), why="No", during=during)
    assert str(refused) == sentence


@given(st.binary(max_size=400))
def test_no_bytes_break_the_reader(head: bytes) -> None:
    """It answers for whatever comes."""
    asked(head)
    asked(b"CONNECT " + head)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),  # noqa: S104  an address to be refused
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:8.8.8.8", True),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
        ("ff02::1", False),
        ("no address", False),
    ],
)
def test_an_address_inside_any_network_is_not_public(address: str, public: bool) -> None:
    """Loopback, private, link-local, metadata, shared, multicast, and all of them wrapped in IPv6."""
    assert is_public(address) is public
