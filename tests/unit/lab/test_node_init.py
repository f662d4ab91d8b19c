from __future__ import annotations

import pytest

from istiolab.lab import node_init


@pytest.mark.parametrize(
    ("folder", "hidden"),
    [
        ("/var/lib/istiolab", True),
        ("/etc", True),
        ("/opt/python", True),
        ("/tmp/cache", True),
        ("/root/.cache/istiolab", False),
        ("/usr", False),
        ("/variable", False),
    ],
)
def test_folders_below_our_own_mounts_are_those_that_must_be_kept_visible(
    folder: str,
    hidden: bool,  # noqa: FBT001 - a column of the table above
) -> None:
    assert node_init._hidden(folder) is hidden
