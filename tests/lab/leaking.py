"""Notebooks that put out the secrets that they can get at, each in a way of its own."""

from __future__ import annotations

from pathlib import Path

from tests.unit.notebook.build import code, text, write

SETUP = code("""
import base64, html, json, os, sys, textwrap
from pathlib import Path
from IPython.display import HTML, JSON, display
from istiolab import connect
from istiolab.mesh.waits import wait_for
from istiolab.notebook.private_key import private_numbers
from istiolab.system.retry import Answer

mesh = connect()
there = os.environ["ISTIOLAB_CANARIES"]

def ask(words):
    return mesh.kubectl(words).stdout

def data_of(item):
    values = {key: base64.b64decode(value).decode() for key, value in item["data"].items()}
    return {f"{item['metadata']['name']}/{key}": value for key, value in values.items()}

items = json.loads(ask(f"get secrets -n {there} -o json"))["items"]
ca = json.loads(ask("get secret istio-ca-secret -n istio-system -o json"))
plain = {key: value for item in items for key, value in data_of(item).items()}
config = Path(os.environ["KUBECONFIG"]).read_text()
key = "".join(data_of(ca)["istio-ca-secret/ca-key.pem"].splitlines()[1:-1])
numbers = private_numbers(base64.b64decode(key))
own = mesh.namespace("own")
""")

BRIEF = """
file = Path(os.environ["TMPDIR"]) / "brief.json"
brief = os.urandom(12).hex()
file.write_text(json.dumps({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "brief"},
                            "stringData": {"value": brief}}))
own.kubectl(f"apply -f {file}")
own.kubectl("delete secret brief")
print(brief)
"""

ISTIO = "Secret istio-system/istio-ca-secret, key ca-key.pem"

# What each puts out, and what the report calls it.
WAYS = {
    "as-told": ("print(ask(f'get secrets -n {there} -o yaml'))", "Secret canaries-"),
    "short": ("print(plain['basic/pin'])", "key pin"),
    "wrapped": ("print(textwrap.fill(plain['opaque/token'], 10))", "key token"),
    "page": ("HTML(f'<td>{html.escape(plain[\"basic/password\"])}</td>')", "key password"),
    "tree": ("JSON({'a': [plain['docker/.dockerconfigjson']]})", "key .dockerconfigjson"),
    "error": ("raise ValueError(plain['opaque/token'])", "key token"),
    "brief": (BRIEF, "/brief, key value"),
    "decimal": ("print(int.from_bytes(numbers[0]))", ISTIO),
    "digits": ("print(textwrap.fill('00:' + numbers[1].hex(':'), 45))", ISTIO),
    "key": ("print(key[-200:])", ISTIO),
    "kubeconfig": ("print(config)", "the kubeconfig"),
    "environment": (
        "print(Path(f'/proc/{os.getppid()}/environ').read_text().replace(chr(0), chr(10)))",
        "the environment variable",
    ),
    "token": (
        "print(textwrap.fill(ask(f'create token canary -n {there}'), 10, break_on_hyphens=False))",
        "a JSON Web Token",
    ),
}


def leak(folder: Path, name: str) -> Path:
    """Write a notebook that puts out a secret in one way, and would pass if nobody saw it."""
    source, _ = WAYS[name]
    declared = ("raises-exception",) if source.startswith("raise") else ()
    return write(folder, SETUP, code(source, "show", *declared), code("print(1)"), name=name)


def passing(folder: Path) -> Path:
    """Write a notebook that puts out what is public, and tells a secret to the record of waits."""
    public = code("""
print(ca["data"]["ca-cert.pem"], *data_of(ca)["istio-ca-secret/ca-cert.pem"].splitlines())
print(plain["tls/tls.crt"], *(item["metadata"]["name"] for item in items))
""")
    wait = code("wait_for(plain['opaque/token'], lambda: Answer(done=True), timeout_seconds=1)")
    return write(folder, text("# Public"), SETUP, public, wait, name="passing")


def failing(folder: Path) -> Path:
    """Write a notebook whose check fails, and whose pod and kernel have logged secrets."""
    log = code("""
# What the kernel's process was given as its standard error, whatever became of it.
logs = [fd for fd in Path("/proc/self/fd").iterdir() if fd.resolve().name == "kernel.log"]
with logs[0].open("a") as log:
    log.write(str(plain))
""")
    pod = code('''
files = [Path(os.environ["TMPDIR"]) / name for name in ("pod.yaml", "copy.yaml")]
files[0].write_text("""
apiVersion: v1
kind: Pod
metadata: {name: leak, labels: {app: leak}}
spec:
  containers:
    - name: leak
      image: docker.io/istiolab/nginx:1.22
      command: [bash, -c, "env | sort; sleep 600"]
      envFrom: [{secretRef: {name: copy}}]
""")
copy = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "copy"}, "type": "Opaque",
        "stringData": {f"P{n}": value for n, value in enumerate(plain.values())}}
files[1].write_text(json.dumps(copy))
for file in reversed(files):
    own.kubectl(f"apply -f {file}")
own.kubectl("wait --for=condition=Ready pod/leak --timeout=50s")
wait_for("the log", lambda: Answer(done="SHLVL" in own.pod("leak").log("leak")),
         timeout_seconds=60)
''')
    return write(
        folder, SETUP, log, pod, code("assert not plain", "judge", "check"), name="failing"
    )


def unproven(folder: Path) -> Path:
    """Write a notebook whose check tells the secrets when its cause is left out."""
    cells = (code("there_is = False"), code("there_is = True", "make", "cause"))
    check = code("assert there_is, plain", "judge", "check")
    return write(folder, SETUP, *cells, check, name="unproven")
