from __future__ import annotations

import json

import pytest
import yaml

from istiolab.notebook.known import (
    SecretValue,
    file_names,
    from_environment,
    from_file,
    from_secret,
    uses_plugin,
)
from tests.unit.notebook.secrets import base64_of, ec_key, jwt, letters, pem, pem_of, pkcs8

KEY = int("9d" * 32, 16)
CERTIFICATE = pem(letters(400, seed=2), label="CERTIFICATE")
KUBECONFIG = {
    "clusters": [
        {
            "name": "kubernetes",
            "cluster": {
                "certificate-authority-data": base64_of(CERTIFICATE),
                "server": "https://198.51.100.2:6443",
            },
        }
    ],
    "users": [
        {
            "name": "admin",
            "user": {
                "client-key-data": base64_of(pem_of(ec_key(KEY), label="EC PRIVATE KEY")),
                "token": jwt(seed=3),
                "password": "Sesame-7-open",
                "username": "kubernetes-admin",
            },
        }
    ],
}


def data_of(values: frozenset[SecretValue]) -> set[bytes]:
    return {each.data for each in values}


def secret(**data: str | bytes) -> set[bytes]:
    plain = {key: each.encode() if isinstance(each, str) else each for key, each in data.items()}
    return data_of(from_secret("a/b", plain, frozenset({"istio-system", "productpage"})))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GITHUB_TOKEN", "ghs_16C7e42F292c6912E7710c838347Ae178B4a"),
        ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        ("ISTIOLAB_CANARY_PASSWORD", "canary-of-the-environment"),
        ("DB_PASS", "tr0ub4dor&3"),
        ("apiKey", "0123456789abcdef0123456789abcdef"),
        ("NPM_CONFIG__AUTH", "dXNlcjpwYXNzd29yZA=="),
        ("SECRET_KEY_BASE", "f1d2d2f924e986ac86fdf7b36c94bcdf32beec15"),
        ("VAULT_PASSPHRASE", "correct horse battery staple"),
        ("AZURE_CLIENT_CERTIFICATE_PASSWORD", "Sup3r-s3cret"),
        ("PUBLIC_API_TOKEN", "Sup3r-s3cret"),
        ("DB_PASSWORD", "{Tr0ub4dor"),
        ("DB_PASSWORD", "{Tr0ub4dor&3}"),
    ],
)
def test_a_variable_that_says_so_holds_a_secret(name: str, value: str) -> None:
    found = from_environment({name: value})
    assert data_of(found) == {value.encode()}
    assert {each.source for each in found} == {f"a value of the environment variable {name}"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HOME", "/root/a-long-folder"),
        ("PWD", "/work/some-where-else"),
        ("TOKENIZERS_PARALLELISM", "false"),
        ("SECRET_BACKEND", "kubernetes"),
        ("ISTIO_KEY", "istio-system"),
        ("GIT_CONFIG_KEY_0", "safe.directory"),
        ("POSTGRES_PASSWORD", "postgres"),
        ("TOKEN_URL", "https://example.org/oauth/token"),
        ("SSH_PUBLIC_KEY", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIH"),
        ("TOKEN_SIGNING_CERT", "MIIBszCCAVmgAwIBAgIUQ0FOQVJZ"),
        ("SOME_LINES", "one: Tr0ub4dor9xyz\nTr0ub4dor9xyz"),
        ("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt"),
        ("TOKEN_EXPIRES", "2026-11-24T00:00:00Z"),
        ("KEY_TIMEOUT", "30"),
        ("BUILD_ID", "4f2b0c8e91d64a7c8f0d"),
    ],
)
def test_a_variable_that_hides_nothing_is_left_alone(name: str, value: str) -> None:
    assert from_environment({name: value}) == frozenset()


def test_a_path_is_no_secret_if_there_is_such_a_file() -> None:
    variables = {"GOOGLE_APPLICATION_CREDENTIALS": "/somewhere/account.json"}
    assert from_environment(variables, is_path=lambda _value: True) == frozenset()


def test_the_password_in_a_url_is_a_secret_whatever_the_variable_is_called() -> None:
    variables = {"PIP_INDEX_URL": "https://someone:pypi-Zm9v@example.org/simple"}
    assert data_of(from_environment(variables)) == {b"pypi-Zm9v"}


def test_a_kubeconfig_gives_its_keys_tokens_and_passwords_and_nothing_public() -> None:
    expected = {KEY.to_bytes(32), jwt(seed=3).encode(), b"Sesame-7-open"}
    text = yaml.safe_dump(KUBECONFIG)
    assert data_of(from_file("", text)) == expected
    for value in (text, base64_of(text), json.dumps(KUBECONFIG)):
        assert data_of(from_environment({"CI_KUBE_CONFIG": value})) == expected


@pytest.mark.parametrize("text", ["", "users: [", "- 1", "no mapping", "2026-13-45: x"])
def test_what_is_no_kubeconfig_gives_nothing(text: str) -> None:
    assert from_file("", text) == frozenset()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("password", each) for each in ("Pa55", "hunter2", "sesame", "123456", "S3same!open")),
        ("data", "swordfish"),
        ("data", "x7-q2z"),
        ("whatever", "0123-4567-89ab-cdef"),
        ("url", "https://hooks.example.org/services/T00/B0x7/Zx81"),
        ("note", "correct horse battery staple"),
        ("keystore", b"\xfe\xed\xfe\xed\0\0\0\2\xff"),
    ],
)
def test_what_a_secret_holds_is_secret_whatever_it_looks_like(key: str, value: str | bytes) -> None:
    assert secret(**{key: value}) == {value if isinstance(value, bytes) else value.encode()}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("data", each) for each in ("true", "default", "istio-system", "productpage", "STRICT")),
        *(("data", each) for each in ("1.22.0", "v1.22", "8080", "100m", "10.0.0.1:80", "red")),
        *(("data", each) for each in ("2026-11-24T00:00:00Z", "db.demo.svc.cluster.local:5432")),
        *(("password", each) for each in ("true", "default", "password", "8080", "istio-system")),
        ("server", "https://kubernetes.default.svc:443"),
        ("url", "https://example.org/some/place"),
        ("username", "someone-in-particular"),
        ("token-id", "l2q2g5"),
        ("auth-extra-groups", "system:bootstrappers:kubeadm:default-node-token"),
        ("tls.crt", CERTIFICATE),
        ("chain", CERTIFICATE + CERTIFICATE),
        ("ca.crt", "a certificate in some other form"),
        ("ssh-publickey", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIH"),
        ("key", ""),
    ],
)
def test_what_stands_on_any_page_is_no_secret(key: str, value: str) -> None:
    assert secret(**{key: value}) == set()


def test_of_a_key_beside_its_certificate_the_private_number_is_secret() -> None:
    both = pem_of(pkcs8(ec_key(KEY))) + CERTIFICATE
    assert secret(**{"tls.pem": both}) == {KEY.to_bytes(32)}
    assert secret(**{"tls.der": ec_key(KEY)}) == {KEY.to_bytes(32)}


def test_a_key_that_cannot_be_read_is_secret_as_a_whole() -> None:
    body = letters(300, seed=5)
    found = secret(key=pem(body, label="ENCRYPTED PRIVATE KEY"))
    assert {b"".join(each.split()) for each in found} == {body.encode()}


def test_documents_within_a_secret_are_looked_into() -> None:
    docker = {"auths": {"example.org": {"password": "D0cker-p4ss", "username": "some-one"}}}
    lines = "# of the database\nDB_HOST=db.example.org\nDB_PASSWORD='D0cker-p4ss'\n"
    for value in (json.dumps(docker), yaml.safe_dump(docker), base64_of(json.dumps(docker))):
        assert secret(config=value) == {b"D0cker-p4ss"}
    assert secret(env=lines) == {b"D0cker-p4ss", lines.strip().encode()}
    assert secret(users="someone:D0cker-p4ss\n") == {b"D0cker-p4ss", b"someone:D0cker-p4ss"}


@pytest.mark.parametrize(
    "text", ["a: &x {y: *x}", "a: !!bool maybe", "a: !!timestamp maybe", "[" * 5000 + ":"]
)
def test_a_document_that_yaml_chokes_on_is_no_document(text: str) -> None:
    from_secret("a/b", {"values.yaml": text.encode()})


def test_an_image_and_a_label_in_a_secret_are_no_secrets() -> None:
    image = {"values.yaml": b"repository: docker.io/library/nginx\ntag: '1.27'\n"}
    assert from_secret("a/b", image) == frozenset()
    assert from_secret("a/b", {"label": b"app=istiod"}) == frozenset()


def test_a_value_says_where_it_is_kept_and_not_what_it_is() -> None:
    (found,) = from_secret("istio-system/some", {"password": b"hunter2"})
    assert found.source == "a value of Secret istio-system/some, key password"
    assert "hunter2" not in repr(found)


def test_a_kubeconfig_that_fetches_its_credentials_is_told() -> None:
    users = [{"name": "cloud", "user": {"exec": {"command": "aws"}}}]
    assert uses_plugin(yaml.safe_dump({"users": users}))
    assert not uses_plugin(yaml.safe_dump(KUBECONFIG))


def test_a_secret_variable_of_a_plugin_is_told_by_its_own_name() -> None:
    env = [
        {"name": "CLOUD_TOKEN", "value": "c10ud-t0ken"},
        {"name": "REGION", "value": "eu-west-1a"},
    ]
    users = [{"name": "cloud", "user": {"exec": {"command": "aws", "env": env}}}]
    assert data_of(from_file("", yaml.safe_dump({"users": users}))) == {b"c10ud-t0ken"}


def test_the_files_that_a_kubeconfig_names_are_listed() -> None:
    users = [{"name": "a", "user": {"client-key": "a.key", "tokenFile": "/t"}}]
    assert set(file_names(yaml.safe_dump({"users": users}))) == {("key", "a.key"), ("token", "/t")}
