from __future__ import annotations

import subprocess
import sys

import pytest

import istiolab


@pytest.mark.parametrize("name", istiolab.__all__)
def test_every_public_name_loads_and_is_called_so(name: str) -> None:
    assert getattr(istiolab, name).__name__ == name


def test_each_public_name_has_one_home() -> None:
    housed = [name for names in istiolab._HOMES.values() for name in names]
    assert sorted(housed) == sorted(istiolab.__all__)


def test_public_names_are_sorted_and_listed_by_dir() -> None:
    assert list(istiolab.__all__) == sorted(istiolab.__all__)
    assert dir(istiolab) == istiolab.__all__


def test_every_public_name_says_what_it_is() -> None:
    assert [name for name in istiolab.__all__ if not getattr(istiolab, name).__doc__] == []


def test_an_unknown_name_is_an_attribute_error_that_names_it() -> None:
    with pytest.raises(AttributeError, match="`istiolab` has no attribute `nothing`"):
        _ = istiolab.nothing


def test_importing_the_package_does_not_load_the_clusters_client() -> None:
    check = "import sys, istiolab; sys.exit('kubernetes' in sys.modules)"
    subprocess.run([sys.executable, "-c", check], check=True)
