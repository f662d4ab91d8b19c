"""Notebooks that put out all the secrets that they can get at, in every way that there is."""

from __future__ import annotations

from pathlib import Path

from tests.unit.notebook.build import code, text, write

SETUP = code("""
import base64, html, json, os, pprint, re, sys, textwrap
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote
import yaml
from IPython.display import HTML, JSON, Markdown, display
from istiolab import connect
from istiolab.mesh.table import Listing
from istiolab.mesh.waits import wait_for
from istiolab.system.retry import Answer

mesh = connect()
there = os.environ["ISTIOLAB_CANARIES"]

def ask(words):
    return mesh.kubectl(words).stdout

items = json.loads(ask(f"get secrets -n {there} -o json"))["items"]
items += [json.loads(ask("get secret istio-ca-secret -n istio-system -o json"))]
plain = {
    f"{item['metadata']['name']}/{key}": base64.b64decode(value).decode()
    for item in items
    for key, value in item["data"].items()
}
names = ("GITHUB_TOKEN", "PIP_INDEX_URL", "AWS_SECRET_ACCESS_KEY", "ISTIOLAB_CANARY_PASSWORD")
# The kernel's own environment, and that of the process that started it.
lines = [f"{name}={os.environ.get(name)}" for name in names]
lines += Path(f"/proc/{os.getppid()}/environ").read_text().split("\\0")
variables = "\\n".join(line for line in lines if line.startswith(names))
config = Path(os.environ["KUBECONFIG"]).read_text()
everything = {**plain, "environment": variables, "kubeconfig": config}
""")

WAYS = {
    "as-told": "print(ask(f'get secrets -n {there} -o yaml'))\nprint(json.dumps(items))",
    "decoded": "for key, value in everything.items():\n    print(key, value)\npprint.pprint(plain)",
    "wrapped": """
for value in everything.values():
    for width in (20, 64, 76):
        print(textwrap.fill(base64.b64encode(value.encode()).decode(), width), end="\\n\\n")
        print(textwrap.fill(value, width), end="\\n\\n")
""",
    "written": """
for value in everything.values():
    print(quote(value), quote(base64.b64encode(value.encode()).decode(), safe=""))
    print(html.escape(value), repr(value), repr(value.encode()), json.dumps(json.dumps(value)))
    print(base64.urlsafe_b64encode(value.encode()).decode())
    print(base64.b64encode(base64.b64encode(value.encode())).decode())
print(base64.b64encode(json.dumps(everything).encode()).decode())
""",
    "encoded": """
for value in everything.values():
    print(value.encode().hex(), value.encode().hex(" "), value.encode().hex().upper())
    print(base64.b32encode(value.encode()).decode(), base64.b32encode(f"ab{value}".encode()))
    print(json.dumps(value, ensure_ascii=False).translate(
        {ord(sign): f"\\\\u{ord(sign):04x}" for sign in "&<>"}
    ))
    print("".join(f"&#{ord(sign)};" for sign in value[:200]))
    print(re.sub("%..", lambda each: each[0].lower(), quote(value)))
""",
    "shown": """
rows = "".join(f"<tr><td>{k}</td><td>{html.escape(v)}</td></tr>" for k, v in everything.items())
display(HTML(f"<table>{rows}</table>"), JSON(everything))
display(Markdown("\\n".join(everything.values())), JSON({v: k for k, v in everything.items()}))

@dataclass
class Row:
    name: str
    value: str

    def row(self):
        return {"name": self.name, "value": self.value}

Listing(Row(*each) for each in everything.items())
""",
    "stderr": """
print(everything, file=sys.stderr)
os.write(2, str(everything).encode())
# What the kernel's process was given as its standard error, whatever became of it.
logs = [fd for fd in Path("/proc/self/fd").iterdir() if fd.resolve().name == "kernel.log"]
with logs[0].open("a") as log:
    log.write(str(everything))
""",
    "kubeconfig": """
parsed = yaml.safe_load(config)
print(json.dumps(parsed, indent=1), parsed)
print(base64.b64decode(parsed["users"][0]["user"]["client-key-data"]).decode())
""",
    "tokens": """
token = ask(f"create token canary -n {there}")
print(token, textwrap.fill(token, 76, break_on_hyphens=False))
print(textwrap.fill(base64.b64encode(token.encode()).decode(), 76))
print(f"curl -H 'Authorization: Bearer {token.strip()}'")
mesh.kubectl("exec -n istio-system deploy/istio-ingressgateway -- "
             "cat /var/run/secrets/tokens/istio-token")
""",
    "envoy": """
print(mesh.istioctl("proxy-config secret deploy/istio-ingressgateway -n istio-system -o json")
      .stdout.count("private_key"))
dump = ask("exec -n istio-system deploy/istio-ingressgateway -- "
           "pilot-agent request GET config_dump")
print(*(line.strip() for line in dump.splitlines() if "inline_bytes" in line), sep="\\n")
""",
    "waits": "for value in everything.values():\n"
    "    wait_for(value, lambda: Answer(done=True), timeout_seconds=1)",
}

# Those that have outputs.
SHOWN = (*(name for name in WAYS if name != "waits"), "declared")


def passing(folder: Path) -> Path:
    """Write a notebook that puts out all secrets and passes."""
    cells = [code(source, name) for name, source in WAYS.items()]
    declared = code("raise ValueError(everything)", "declared", "raises-exception")
    return write(folder, text("# Leaks"), SETUP, *cells, declared, name="passing")


def failing(folder: Path) -> Path:
    """Write a notebook whose pod, kernel and check put out all secrets."""
    pod = code('''
place = mesh.namespace("a")
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
        "stringData": {f"P{n}": value for n, value in enumerate(everything.values())}}
files[1].write_text(json.dumps(copy))
for file in reversed(files):
    place.kubectl(f"apply -f {file}")
place.kubectl("wait --for=condition=Ready pod/leak --timeout=50s")
wait_for("the log", lambda: Answer(done="SHLVL" in place.pod("leak").log("leak")),
         timeout_seconds=60)
''')
    check = code("assert not everything, everything", "judge", "check")
    return write(folder, SETUP, code(WAYS["stderr"]), pod, check, name="failing")


def unproven(folder: Path) -> Path:
    """Write a notebook whose check tells the secrets when its cause is left out."""
    cells = (code("there_is = False"), code("there_is = True", "make", "cause"))
    check = code("assert there_is, everything", "judge", "check")
    return write(folder, SETUP, *cells, check, name="unproven")
