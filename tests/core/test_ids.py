import re

import pytest
from django.test import override_settings

from greenroom.core.ids import REF_LENGTH, new_ref, read_signed_ref, sign_ref


def test_new_ref_has_128_bits_in_url_safe_characters() -> None:
    refs = [new_ref() for _ in range(500)]

    assert REF_LENGTH == 22  # 16 bytes in base64 without padding
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{22}", ref) for ref in refs)
    assert len(set(refs)) == 500


def test_signed_ref_reads_back() -> None:
    ref = new_ref()

    assert read_signed_ref(sign_ref(ref, purpose="manage"), purpose="manage") == ref


def test_signed_ref_is_url_safe_and_stable() -> None:
    token = sign_ref("abc", purpose="manage")

    assert re.fullmatch(r"abc\.[A-Za-z0-9_-]{43}", token)
    assert sign_ref("abc", purpose="manage") == token


def test_signed_ref_opens_no_other_purpose() -> None:
    assert read_signed_ref(sign_ref("abc", purpose="manage"), purpose="review") is None


@pytest.mark.parametrize("position", range(0, 47, 5))
def test_tampered_signed_ref_is_none(position: int) -> None:
    token = sign_ref("abc", purpose="manage")
    other = "A" if token[position] != "A" else "B"

    assert read_signed_ref(token[:position] + other + token[position + 1 :], purpose="manage") is None


@pytest.mark.parametrize(
    "token", ["", ".", "abc", "abc.", ".abc", "a.b.c", "ü.ü", "abc.\x00", "\ud800.abc", "x" * 10_000]
)
def test_garbage_as_signed_ref_is_none(token: str) -> None:
    assert read_signed_ref(token, purpose="manage") is None


def test_signed_ref_of_another_installation_is_none() -> None:
    token = sign_ref("abc", purpose="manage")

    with override_settings(SECRET_KEY="another key of another installation"):
        assert read_signed_ref(token, purpose="manage") is None
