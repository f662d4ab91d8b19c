from __future__ import annotations

from pathlib import Path

import pytest

from istiolab.errors import LabError, UsageError
from istiolab.lab.embedded import EmbeddedProvider
from istiolab.lab.existing import ExistingProvider
from istiolab.lab.provider import ProviderKind, current, make_provider, provider_of
from istiolab.lab.spec import Lab

LAB = Lab(name="mine", provider="existing", kubeconfig=Path("/k"), context="c", fingerprint="")


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ISTIOLAB_STATE", str(tmp_path))
    monkeypatch.setenv("ISTIOLAB_NAME", "mine")
    (tmp_path / "mine").mkdir()
    return tmp_path


@pytest.mark.usefixtures("state")
@pytest.mark.parametrize(
    ("kind", "wanted"),
    [(ProviderKind.EMBEDDED, EmbeddedProvider), (ProviderKind.EXISTING, ExistingProvider)],
)
def test_each_kind_has_its_provider(kind: ProviderKind, wanted: type) -> None:
    assert isinstance(make_provider(kind, "lab"), wanted)


@pytest.mark.usefixtures("state")
def test_a_cluster_that_is_given_cannot_be_bare() -> None:
    with pytest.raises(UsageError, match="cannot be brought up bare"):
        make_provider(ProviderKind.EXISTING, "lab", bare=True)


@pytest.mark.usefixtures("state")
def test_lab_that_was_never_up_would_be_embedded() -> None:
    assert isinstance(provider_of("mine"), EmbeddedProvider)


def test_lab_is_taken_down_by_the_provider_that_brought_it_up(state: Path) -> None:
    (state / "mine" / "lab.json").write_text(LAB.to_json())
    assert isinstance(provider_of("mine"), ExistingProvider)


def test_lab_with_a_broken_record_can_still_be_taken_down(state: Path) -> None:
    (state / "mine" / "lab.json").write_text("{")
    assert isinstance(provider_of("mine"), EmbeddedProvider)


@pytest.mark.parametrize("name", ["mine", None])
def test_current_lab_is_the_named_one_that_is_up(state: Path, name: str | None) -> None:
    (state / "mine" / "lab.json").write_text(LAB.to_json())
    assert current(name) == LAB


@pytest.mark.usefixtures("state")
def test_lab_that_is_not_up_is_an_error_with_the_command_that_helps() -> None:
    with pytest.raises(LabError, match="lab `mine` is not up") as caught:
        current()
    assert caught.value.hint == "bring it up: `istiolab up`"
