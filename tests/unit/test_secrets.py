"""Secrets are found in every form that matters, are never repeated, and honest text is left alone."""

import base64
from urllib.parse import quote

import pytest
from hypothesis import given, settings, strategies as st

from autorun.core.text import secrets
from kit.secret_samples import SAMPLES

OWN = "correct/horse+battery=staple"


@pytest.mark.parametrize("name", SAMPLES)
def test_every_known_format_is_found_and_removed(name: str) -> None:
    """A credential is named by its kind wherever it stands, and redaction leaves nothing of it."""
    kind = name.partition(" (")[0]
    for text in (SAMPLES[name], f'key = "{SAMPLES[name]}"\n', f"a\n{SAMPLES[name]}\nb", f"x={SAMPLES[name]}&y=1"):
        assert secrets.find(text) == (kind,)
        clean = secrets.redacted(text)
        assert SAMPLES[name] not in clean
        assert f"[removed: {kind}]" in clean
        assert secrets.find(clean) == ()


@settings(deadline=None)
@given(before=st.binary(max_size=9), after=st.binary(max_size=9))
def test_our_own_secret_is_found_inside_any_base64(before: bytes, after: bytes) -> None:
    """Wherever a secret lies in a longer text, that text's base64 gives it away, in both alphabets."""
    whole = before + OWN.encode() + after
    for encoded in (base64.b64encode(whole), base64.urlsafe_b64encode(whole)):
        assert secrets.find(encoded.decode(), (OWN,)) == (secrets.OWN,)


def test_our_own_secret_is_found_as_it_is_escaped_and_in_hexadecimal() -> None:
    """The forms in which a secret travels in an address or a dump are found too."""
    for text in (OWN, quote(OWN, safe=""), OWN.encode().hex(), OWN.encode().hex().upper()):
        assert secrets.find(f"x{text}y", (f"{OWN}\n",)) == (secrets.OWN,)
        assert secrets.redacted(f"x{text}y", (OWN,)) == f"x[removed: {secrets.OWN}]y"


@pytest.mark.parametrize(
    "text",
    [
        "ghp_" + "x" * 36,
        "AKIA" + "IOSFODNN7EXAMPLE",
        "sk-ant-short",
        "npm_config_registry",
        "-----BEGIN PUBLIC KEY-----",
        "sha512-" + base64.b64encode(bytes(range(64))).decode(),
        "5b1b795e3d4c2b1a09f8e7d6c5b4a3928170f6e5",
        "disk-ant-colony-optimisation-with-many-words",
        "eyJ is how a token begins",
    ],
)
def test_honest_text_is_left_alone(text: str) -> None:
    """Placeholders, checksums and words are no credentials."""
    assert secrets.find(text) == ()
    assert secrets.redacted(text) == text


def test_a_value_too_short_to_be_a_secret_is_not_searched() -> None:
    """An empty or tiny variable must not turn every text into a finding."""
    assert secrets.find("a b c true 1", ("", " ", "true", "1")) == ()


@settings(deadline=None)
@given(st.text(), st.lists(st.text(max_size=30), max_size=3))
def test_redaction_leaves_nothing_to_find(text: str, own: list[str]) -> None:
    """Whatever the text, a second look finds no secret of ours in what redaction returns."""
    values = [value for value in own if value.strip() not in "removed: a credential of this runner"]
    assert secrets.OWN not in secrets.find(secrets.redacted(text + "".join(values), values), values)


def test_overlapping_secrets_are_removed_whole() -> None:
    """Two finds that share characters leave no rest of either."""
    token = SAMPLES["a GitHub token"]
    own = token[10:] + "-and-more"
    assert secrets.redacted(f"<{token}-and-more>", (own,)).strip("<>").isascii()
    assert own[-12:] not in secrets.redacted(f"<{token}-and-more>", (own,))
    assert token[:12] not in secrets.redacted(f"<{token}-and-more>", (own,))


def test_our_own_secrets_are_struck_from_bytes_of_any_kind() -> None:
    """In every spelling; bytes that are no text and secrets of others are left as they are."""
    other = SAMPLES["a GitHub token"].encode()
    for form in (OWN, quote(OWN, safe=""), OWN.encode().hex()):
        data = b"\xff\x00" + form.encode() + b"\xfe" + other
        assert secrets.own_struck(data, (OWN,)) == b"\xff\x00[removed: " + secrets.OWN.encode() + b"]\xfe" + other


def test_a_private_key_is_struck_out_whole() -> None:
    """Not the first line of a key is secret but what follows it, also where line ends are written as escapes."""
    body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC"
    for end in ("\n", "\\n"):
        key = end.join(("-----BEGIN " + "PRIVATE KEY-----", body, body, "-----END PRIVATE KEY-----"))
        assert secrets.redacted(f"before {key} after") == "before [removed: a private key] after"
