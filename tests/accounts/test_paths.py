import pytest

from greenroom.accounts.paths import LONGEST_PATH, internal_path


@pytest.mark.parametrize("path", ["/", "/booking/abc/details/?x=1#discord", "/" + "a" * (LONGEST_PATH - 1)])
def test_internal_path_of_this_site_is_kept(path: str) -> None:
    assert internal_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        None,
        "",
        "back",
        "https://evil.example/",
        "//evil.example/",
        "///evil.example/",
        "/\\evil.example/",
        "javascript:alert(1)",
        "\t//evil.example",
        "/\n/evil.example",
        "/" + "a" * LONGEST_PATH,
    ],
)
def test_internal_path_that_leads_elsewhere_becomes_the_default(path: str | None) -> None:
    assert internal_path(path, default="/home/") == "/home/"
