from __future__ import annotations

import json

import pytest
import yaml

from istiolab.notebook.known import (
    file_names,
    from_environment,
    from_kubeconfig,
    from_secret,
    uses_plugin,
)
from tests.unit.notebook.secrets import base64_of, jwt, letters, pem

KEY, CERTIFICATE = letters(400, seed=1), letters(400, seed=2)
KUBECONFIG = {
    "clusters": [
        {
            "name": "kubernetes",
            "cluster": {
                "certificate-authority-data": base64_of(pem(CERTIFICATE, label="CERTIFICATE")),
                "server": "https://198.51.100.2:6443",
            },
        }
    ],
    "users": [
        {
            "name": "admin",
            "user": {
                "client-key-data": base64_of(pem(KEY)),
                "token": jwt(seed=3),
                "password": "Sesame-7-open",
                "username": "kubernetes-admin",
            },
        }
    ],
}


def flat(values: frozenset[str]) -> set[str]:
    return {"".join(value.split()) for value in values}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GITHUB_TOKEN", "ghs_16C7e42F292c6912E7710c838347Ae178B4a"),
        ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        ("ISTIOLAB_CANARY_PASSWORD", "canary-of-the-environment"),
        ("DB_PASS", "tr0ub4dor&3"),
        ("apiKey", "0123456789abcdef0123456789abcdef"),
        ("NPM_CONFIG__AUTH", "dXNlcjpwYXNzd29yZA=="),
        ("REGISTRY_CREDENTIALS", "someone:Sesame-7"),
        ("SECRET_KEY_BASE", "f1d2d2f924e986ac86fdf7b36c94bcdf32beec15"),
        ("VAULT_PASSPHRASE", "correct horse battery staple"),
        ("AZURE_CLIENT_CERTIFICATE_PASSWORD", "Sup3r-s3cret"),
        ("CERT_PASSWORD", "Sup3r-s3cret"),
        ("PUBLIC_API_TOKEN", "Sup3r-s3cret"),
        ("clientCertPassphrase", "Sup3r-s3cret"),
        ("DB_PASSWORD", "{Tr0ub4dor"),
        ("DB_PASSWORD", "{Tr0ub4dor&3}"),
    ],
)
def test_a_variable_that_says_so_holds_a_secret(name: str, value: str) -> None:
    assert from_environment({name: value}).secret == {value}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HOME", "/root/a-long-folder"),
        ("PWD", "/work/some-where-else"),
        ("TOKENIZERS_PARALLELISM", "false"),
        ("SECRET_BACKEND", "kubernetes"),
        ("ISTIO_KEY", "istio-system"),
        ("POSTGRES_PASSWORD", "postgres"),
        ("TOKEN_URL", "https://example.org/oauth/token"),
        ("SSH_PUBLIC_KEY", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIH"),
        ("SSH_PUBLIC_KEYS", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIH"),
        ("TOKEN_SIGNING_CERT", "MIIBszCCAVmgAwIBAgIUQ0FOQVJZ"),
        ("SECRET_NOTES", "# a remark\n[section]\nistio-system\n"),
        ("SOME_LINES", "one: Tr0ub4dor9xyz\nTr0ub4dor9xyz"),
        ("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt"),
        ("TOKEN_EXPIRES", "2026-11-24T00:00:00Z"),
        ("KEY_TIMEOUT", "30"),
        ("BUILD_ID", "4f2b0c8e91d64a7c8f0d"),
    ],
)
def test_a_variable_that_hides_nothing_is_left_alone(name: str, value: str) -> None:
    assert from_environment({name: value}).secret == frozenset()


def test_a_path_is_no_secret_if_there_is_such_a_file() -> None:
    variables = {"GOOGLE_APPLICATION_CREDENTIALS": "/somewhere/account.json"}
    assert from_environment(variables, is_path=lambda _value: True).secret == frozenset()


def test_the_password_in_a_url_is_a_secret_whatever_the_variable_is_called() -> None:
    variables = {"PIP_INDEX_URL": "https://someone:pypi-Zm9v@example.org/simple"}
    assert from_environment(variables).secret == {"pypi-Zm9v"}


def test_a_kubeconfig_gives_its_keys_tokens_and_passwords_and_its_certificates_are_public() -> None:
    known = from_kubeconfig(yaml.safe_dump(KUBECONFIG))
    assert flat(known.secret) == {KEY, jwt(seed=3), "Sesame-7-open"}
    assert flat(known.public) == {CERTIFICATE}


@pytest.mark.parametrize("text", ["", "users: [", "- 1", "no mapping", "2026-13-45: x"])
def test_what_is_no_kubeconfig_gives_nothing(text: str) -> None:
    assert from_kubeconfig(text).secret == frozenset()


def test_a_kubeconfig_in_a_variable_is_looked_into() -> None:
    text = yaml.safe_dump(KUBECONFIG)
    for value in (text, base64_of(text), json.dumps(KUBECONFIG)):
        assert KEY in flat(from_environment({"CI_KUBE_CONFIG": value}).secret)


def test_of_a_secret_everything_counts_but_what_is_public() -> None:
    known = from_secret(
        {
            "username": "someone-in-particular",
            "password": "S3same!open",
            "whatever": "0123-4567-89ab-cdef",
            "tls.key": pem(KEY),
            "tls.crt": pem(CERTIFICATE, label="CERTIFICATE"),
            "ca.crt": "a certificate in some other form",
            "auth-extra-groups": "system:bootstrappers:kubeadm:default-node-token",
            "expiration": "2026-11-24T00:00:00Z",
            ".dockerconfigjson": json.dumps(
                {"auths": {"example.org": {"password": "D0cker-p4ss"}}}
            ),
            "usage": "true",
        }
    )
    assert flat(known.secret) == {"S3same!open", "0123-4567-89ab-cdef", KEY, "D0cker-p4ss"}
    assert flat(known.public) == {CERTIFICATE}


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
    assert from_kubeconfig(yaml.safe_dump({"users": users})).secret == {"c10ud-t0ken"}


def test_the_files_that_a_kubeconfig_names_are_listed() -> None:
    users = [{"name": "a", "user": {"client-key": "a.key", "tokenFile": "/t"}}]
    assert set(file_names(yaml.safe_dump({"users": users}))) == {("key", "a.key"), ("token", "/t")}
