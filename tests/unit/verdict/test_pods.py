from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from istiolab.notebook.cells import Cell, Notebook, Output
from istiolab.verdict.drift import compare
from istiolab.verdict.pods import pods_in
from istiolab.verdict.tokens import Identities
from istiolab.verdict.volatile import mask

POD, OTHER_POD = "log-agent-bvxqk", "log-agent-x8k2z"
PODS = "NAME              READY   STATUS    RESTARTS   AGE\n{:<18}1/1     Running   0          3s"


def notebook(*outputs: str | Output) -> Notebook:
    shown = [
        Output(kind="stream", text=each, html=None, markdown=None)
        if isinstance(each, str)
        else each
        for each in outputs
    ]
    cells = tuple(
        Cell(index=index, id=str(index), kind="code", source="", tags=(), outputs=(output,))
        for index, output in enumerate(shown)
    )
    return Notebook(path=Path("some.ipynb"), title="Some", cells=cells)


def html(text: str, **others: object) -> Output:
    return Output(kind="result", text="x", html=text, markdown=None, others=others)


PLACES = [
    "pod/{} created",
    'Error from server (NotFound): pods "{}" not found',
    "GET /api/v1/namespaces/demo/pods/{}/log",
    PODS,
    "NAME                   CLUSTER   ISTIOD   VERSION\n{}.demo   us        istiod   1.28.2",
    "kind: Pod\nmetadata:\n  name: {}\n",
    'kind: List\nitems: [{{"kind": "Pod", "metadata": {{"name": "{}"}}}}]\n',
    '{{"subsets": [{{"targetRef": {{"kind": "Pod", "name": "{}"}}}}]}}',
    '{{"pod": "{}"}}',
    "<table><tr><th>pod</th></tr><tr><td>{}</td></tr></table>",
    "<table><tr><th>kind</th><th>name</th></tr><tr><td>pod</td><td>{}</td></tr></table>",
]


def place(text: str, pod: str) -> str | Output:
    filled = text.format(pod)
    return html(filled) if filled.startswith("<") else filled


@pytest.mark.parametrize("text", PLACES)
def test_a_name_in_the_place_of_a_pods_is_known_throughout_the_notebook(text: str) -> None:
    assert POD in pods_in(notebook("first", place(text, POD)))
    before, after = (
        notebook(f"i am {pod}", place(text, pod), f"and {pod}") for pod in (POD, OTHER_POD)
    )
    assert compare(before, after) == ()
    mixed = notebook(f"i am {POD}", place(text, OTHER_POD), f"and {POD}")
    assert compare(before, mixed) != ()


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "i am {}",
        "NAME   PORT\n{}   80",
        "kind: Service\nspec:\n  ports: [{{name: {}}}]\n",
        "<table><tr><th>port name</th></tr><tr><td>{}</td></tr></table>",
        "<table><tr><th>kind</th><th>name</th></tr><tr><td>Service</td><td>{}</td></tr></table>",
    ],
)
@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("tcp-pgsql", "tcp-mssql"),
        ("jwt-rs256", "jwt-hs256"),
        ("web-httpd", "web-mqtts"),
        ("tcp-bvxqk", "tcp-x8k2z"),
    ],
)
def test_a_name_that_is_nowhere_a_pods_is_compared_as_it_is(text: str, one: str, two: str) -> None:
    assert compare(notebook(place(text, one)), notebook(place(text, two))) != ()


def test_pods_of_a_json_representation_are_known() -> None:
    assert POD in pods_in(notebook(html("", **{"application/json": [{"pod": POD}]})))


@settings(deadline=None)
@given(
    st.recursive(
        st.text() | st.none() | st.integers(),
        lambda each: (
            st.lists(each)
            | st.dictionaries(
                st.sampled_from(["kind", "metadata", "name", "pod"]) | st.text(), each
            )
        ),
    )
)
def test_any_value_can_be_looked_at(value: object) -> None:
    assert isinstance(pods_in(notebook(html("", **{"application/json": value}))), frozenset)


# What a port, a secret or a workload may be called after.
PROTOCOLS = re.findall(
    r"\S+",
    """
    amqps ftps grpc grpcs http http2 https imaps irc2 ldaps mqtt mqtts nntps ntske pop3s quic rtsps
    sctp2 sips smtps snmp2 ssh2 stuns tcp tcps tftps tls tls12 tls13 tlsv2 udp wss xmpps
    cassandra etcd2 mssql mysql pgsql redis sqlx2 tidb2 httpd nginx mongo
    es256 hs256 hs384 hs512 ps256 rs256 rs384 rs512 sha256 sha512 gcm256 cbc256 ecdsa
    dns dns53 ntp nfsv4 smb2 rdp ws h2c h2 thrift zipkin otlp jwt jwks mtls web app svc
    """,
)
NAMES = st.lists(st.sampled_from(PROTOCOLS), min_size=1, max_size=4).map("-".join)


@settings(max_examples=300, deadline=None)
@given(
    NAMES, st.sampled_from(["{}", "port {}:", '"name": "{}"', "outbound|80|{}|a", "{}.demo.svc"])
)
def test_no_name_made_of_protocol_words_is_masked(name: str, form: str) -> None:
    text = form.format(name)
    assert mask(text, Identities()) == text


@settings(max_examples=200, deadline=None)
@given(NAMES, NAMES, st.sampled_from(["kind: Service\nname: {}\n", "NAME   PORT\n{}   80", "{}"]))
def test_another_name_made_of_protocol_words_is_drift(one: str, two: str, form: str) -> None:
    pods = PODS.format(POD)
    before, after = (notebook(pods, form.format(name)) for name in (one, two))
    assert (compare(before, after) == ()) is (one == two)


@pytest.mark.parametrize("word", ["pgsql", "mssql", "https", "mqtts", "rs256"])
def test_a_word_of_the_field_is_no_suffix_even_in_a_pods_name(word: str) -> None:
    assert compare(notebook(PODS.format(f"web-{word}")), notebook(PODS.format("web-bvxqk"))) != ()
