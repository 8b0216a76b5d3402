"""Secret rules: plaintext detection without false alarms or leaks, records of sealed values, certificates."""

import base64
import json
import random
import string
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bootstrap.core.errors import BadCertificate
from bootstrap.core.secret import Secret
from bootstrap.core.tree import Tree
from bootstrap.gitrepo.environment_repo import open_work_tree
from bootstrap.secrets import certificates, scan, sealed_secrets, sealing
from bootstrap.secrets.catalog import generate
from bootstrap.validate import registry
from bootstrap.validate.context import DatedContext, EnvironmentContext
from bootstrap.validate.rules.secrets import items
from bootstrap.validate.violation import Finding
from tests import rendering
from tests.conftest import Keys
from tests.validate import files, found
from tests.validate.cases.secrets import FERNET_KEY, GITHUB, JWT_TOKEN, PRIVATE_KEY

VALUE = "correct-horse-battery-staple"
NOW = datetime(2027, 1, 1, tzinfo=UTC)
SEALED_FILE = "overlays/dev/secrets/sealedsecret.airflow-api.yaml"


@pytest.fixture(scope="module")
def context(fresh: Path) -> EnvironmentContext:
    """The first environment of a fresh repo."""
    checkout = open_work_tree(fresh)
    (environment,) = checkout.select(["dev"])
    return EnvironmentContext(
        model=checkout.model,
        environment=environment,
        tree=files.of(checkout, environment),
        rendered=rendering.build(fresh / environment.overlay),
    )


def changed(context: EnvironmentContext, files: Mapping[str, bytes], *objects: Any) -> EnvironmentContext:
    """The environment with files and rendered objects of the same name put in the place of its own."""
    names = {(obj["kind"], obj["metadata"]["name"]) for obj in objects}
    kept = [obj for obj in context.objects if (obj["kind"], obj["metadata"]["name"]) not in names]
    rendered = yaml.safe_dump_all([*kept, *objects]).encode()
    return EnvironmentContext(
        model=context.model,
        environment=context.environment,
        tree=Tree({**context.tree.files, **files}),
        rendered=rendered,
    )


def aged(context: EnvironmentContext, now: datetime) -> list[Finding]:
    return registry.examine(DatedContext(model=context.model, environment=context, now=now))


def rules(findings: list[Finding]) -> list[str]:
    return sorted(finding.rule.name for finding in findings)


def hits(text: str, kind: str) -> list[str]:
    held = scan.scan_file(text.encode(), kind)
    return sorted(
        {f"secrets/{each.kind}" for each in held.credentials} | {"secrets/plain-secret" for _ in held.secrets}
    )


AWS = "AKIA" + "Z7Q2MPLK3XW5VN6T"
SHOWN = {
    "an AWS key": ("env", f"KEY_ID={AWS}", "secrets/token"),
    "a GitLab token": ("py", 'run("glpat' + '-x9Kd72mQpLz81VbNcR4t")', "secrets/token"),
    "a Slack webhook": ("yaml", "url: https://hooks.slack.com/services/T0AB/B0CD/" + "q7" * 12, "secrets/token"),
    "a Google key": ("json", '{"k": "AIza' + 'SyD4x-9fKq2LmN7pRtVw3YzAb5Cd8Ef0GhJ"}', "secrets/token"),
    "an age key": ("txt", "AGE-SECRET" + "-KEY-1" + "Q" * 58, "secrets/private-key"),
    "a key in one line of JSON": ("json", json.dumps({"k": PRIVATE_KEY}), "secrets/private-key"),
    "a key in comments": ("yaml", "a: 1\n# " + PRIVATE_KEY.replace("\n", "\n# "), "secrets/private-key"),
    "a quoted Fernet key": ("yaml", f'- "{FERNET_KEY}"', "secrets/token"),
    "two Fernet keys": ("env", f"KEYS={FERNET_KEY},{FERNET_KEY}", "secrets/token"),
    "a URL": ("cfg", f"url = amqp://guest:{VALUE}@mq:5672/", "secrets/password-in-url"),
    "a URL without a user": ("env", f"BROKER=redis://:{VALUE}@redis:6379/0", "secrets/password-in-url"),
    "an argument": ("py", f'connect(password="{VALUE}")', "secrets/literal"),
    "an item": ("py", f'os.environ["DB_PASSWORD"] = "{VALUE}"', "secrets/literal"),
    "an export": ("sh", f"export PGPASSWORD={VALUE}", "secrets/literal"),
    "airflow.cfg": ("cfg", f"[core]\nfernet_key = {VALUE}", "secrets/literal"),
    "a short password": ("env", "SMTP_PASSWORD=test", "secrets/literal"),
    "JSON in JSON": ("env", 'AIRFLOW_CONN_X={"extra":"{\\"secret_key\\":\\"' + VALUE + '\\"}"}', "secrets/literal"),
    "a ConfigMap": ("yaml", f"kind: ConfigMap\ndata:\n  API_KEY: {VALUE}", "secrets/literal"),
    "a setting": ("yaml", f"env:\n- name: AIRFLOW__API_AUTH__JWT_SECRET\n  value: {VALUE}", "secrets/literal"),
    "a setting in a line": ("yaml", "env: [{name: AIRFLOW__API__SECRET_KEY, value: " + VALUE + "}]", "secrets/literal"),
    "a JSON patch": ("yaml", f"- op: add\n  path: /data/SMTP_PASSWORD\n  value: {VALUE}", "secrets/literal"),
    "a patch in a patch": ("yaml", f"patches:\n- patch: |\n    data:\n      SMTP_PASSWORD: {VALUE}", "secrets/literal"),
    "a Secret as an inline patch": (
        "yaml", f"patches:\n- patch: |\n    kind: Secret\n    stringData:\n      a: {VALUE}", "secrets/plain-secret",
    ),
    "a Secret in JSON": ("json", json.dumps({"kind": "Secret", "data": {"a": "aG9yc2U="}}), "secrets/plain-secret"),
    "a file that is no YAML": ("yaml", f"a: [\nb: {GITHUB}\n", "secrets/token"),
}  # fmt: skip


@pytest.mark.parametrize("case", SHOWN)
def test_a_plaintext_secret_is_found(case: str) -> None:
    kind, text, rule = SHOWN[case]
    assert hits(text, kind) == [rule]


QUIET = {
    "a reference of Kubernetes": ("yaml", "env:\n- {name: A_PASSWORD, value: $(B)}\n- {name: C_PASSWORD, value: ''}"),
    "a URL of references": ("env", "URL=postgresql://$(USER):$(PASSWORD)@$(HOST)/db\nB=postgresql://u:${PASSWORD}@h/db"),
    "a format": ("py", 'url = f"postgresql://airflow:{password}@pg/airflow"\nq = "http://%s:%s@h/" % x'),
    "a manual": ("md", "Write `postgresql://user:password@host/db`, with `\"password\": \"...\"` in the extra."),
    "a comment": ("yaml", "# postgresql+psycopg2://user:password@host:5432/airflow\na: 1"),
    "a placeholder": ("env", "A_PASSWORD=<x>\nB_PASSWORD=changeme\nC_TOKEN=REPLACE_ME\nD_PASSWORD=***\nE_TOKEN="),
    "where a secret is": ("env", "A_PASSWORD_FILE=/run/a\nB_PASSWORD=/run/secrets/b\nC_TOKEN=vault:kv/data/c#d"),
    "settings of a backend": ("env", "AIRFLOW__CORE__FERNET_KEY_SECRET=airflow/key\nAIRFLOW__A__PASSWORD_CMD=cat /x"),
    "words that are no secret": ("env", "USE_TOKEN=true\nMAX_TOKENS=5000\nTOKEN_TTL=86400\nTLS_SECRET=airflow-web-tls"),
    "names of secrets": ("yaml", "secretName: airflow-web-tls\nsecretKeyRef: {name: a, key: DATABASE_PASSWORD}"),
    "an ExternalSecret": ("yaml", "spec:\n  data:\n  - secretKey: database-password\n    remoteRef: {key: a/b}"),
    "rights": ("yaml", "permissions:\n  id-token: write\nautomountServiceAccountToken: false"),
    "a workflow's secret": ("yaml", "with:\n  token: ${{ secrets.DEPLOY_TOKEN }}\n  password: ${{ secrets.P }}"),
    "digests": ("yaml", "digest: sha256:" + "ab12" * 16 + f"\nx: sha256-{FERNET_KEY}\nchecksum: {FERNET_KEY}"),
    "a number of many digits": ("yaml", "token_id: 0b1c2d3e-0000-4000-8000-000000000000"),
    "a template": ("yaml", "kind: SealedSecret\nspec:\n  template:\n    data:\n      DB_PASSWORD: '{{ .password }}'"),
    "an encrypted Secret": ("yaml", "kind: Secret\nstringData:\n  a: ENC[AES256_GCM,data:x,iv:y,tag:z,type:str]"),
    "a Secret to come": ("yaml", "kind: Secret\nmetadata: {name: a}\ntype: kubernetes.io/service-account-token"),
    "a target": ("yaml", "target: {kind: Secret, name: a}\nsubstituteFrom:\n- {kind: Secret, name: b}"),
    "a sign of a key": ("sh", 'grep -e "-----BEGIN [A-Z ]*PRIVATE KEY-----" && echo "-----BEGIN PRIVATE KEY-----"'),
    "the example of Amazon": ("md", "AKIA" + "IOSFODNN7EXAMPLE"),
    "a port and a path": ("env", "URL=http://airflow-s3:33000/a?mail=b@c.example\nGIT=ssh://git@github.com/a/b\nS=git@h:a/b.git"),
    "no text": ("bin", "\0" + GITHUB),
}  # fmt: skip


@pytest.mark.parametrize("case", QUIET)
def test_text_that_is_no_secret_has_no_finding(case: str) -> None:
    kind, text = QUIET[case]
    assert hits(text, kind) == []


def test_no_ciphertext_and_no_certificate_looks_like_a_secret(keys: Keys) -> None:
    certificate = sealing.read_certificate(keys.certificate.read_bytes(), source="test", now=datetime.now(UTC))
    sealer = sealed_secrets.Sealer(certificate=certificate, namespace="airflow", now=NOW)
    for name, values in generate({}).items():
        for _ in range(20):
            assert hits(sealer.document(name, values).decode(), "yaml") == []
    assert hits(certificate.pem.decode(), "pem") == []
    assert hits(yaml.safe_dump({"data": {"ca.crt": certificate.pem.decode()}}), "yaml") == []
    blob = base64.b64encode(random.Random(1).randbytes(4000)).decode()
    wrapped = "\n".join(blob[at : at + 76] for at in range(0, len(blob), 76))
    assert hits(wrapped, "txt") == hits(f"binaryData:\n  blob: {blob}", "yaml") == []


@given(
    st.text(string.ascii_letters + string.digits + "-_.~", min_size=12, max_size=40), st.sampled_from(["yaml", "env"])
)
def test_no_message_has_any_part_of_a_secret(value: str, kind: str) -> None:
    value = f"Zq{value}9"
    text = f"SMTP_PASSWORD={value}\nURL=amqp://a:{value}@b\n"
    if kind == "yaml":
        text = yaml.safe_dump(
            {"kind": "ConfigMap", "data": {"SMTP_PASSWORD": value, "URL": f"amqp://a:{value}@b"}}
        ) + yaml.safe_dump({"kind": "Secret", "data": {"k": value}}, explicit_start=True)
    held = scan.scan_file(text.encode(), kind)
    told = [each.what for each in held.credentials] + [each.name for each in held.secrets]
    assert len(told) == 2 + (kind == "yaml")
    assert not any(value[at : at + 6] in what for what in told for at in range(len(value) - 5))


def test_a_secret_in_the_place_of_a_name_is_not_shown() -> None:
    (hit,) = scan.scan_file(f"env:\n- name: {GITHUB}_PASSWORD\n  value: x1".encode(), "yaml").credentials[-1:]
    assert GITHUB not in hit.what


@pytest.mark.parametrize("style", ["block", "flow", "quoted", "json"])
def test_the_layout_of_a_file_does_not_count(style: str) -> None:
    held = [
        {"kind": "ConfigMap", "data": {"A_TOKEN": VALUE, "b": f"x\ny: {GITHUB}\n", "u": f"amqp://a:{VALUE}@b/"}},
        {"kind": "Deployment", "env": [{"name": "DB_PASSWORD", "value": VALUE}, {"name": "OK", "value": "fine"}]},
        {"kind": "List", "items": [{"kind": "Secret", "metadata": {"name": "s"}, "data": {"a": "aG9yc2U="}}]},
        {"secretGenerator": [{"name": "g", "literals": ["a=horse"]}]},
    ]
    if style == "json":
        text = json.dumps({"items": held})
    else:
        text = yaml.safe_dump(
            held, default_flow_style=style == "flow", default_style='"' if style == "quoted" else None
        )
    shown = scan.scan_file(text.encode(), "json" if style == "json" else "yaml")
    assert rules_of(shown) == ["secrets/literal"] * 2 + ["secrets/password-in-url", "secrets/token"]
    assert sorted((secret.name, secret.generated) for secret in shown.secrets) == [("g", True), ("s", False)]


def rules_of(shown: scan.FileSecrets) -> list[str]:
    return sorted(f"secrets/{each.kind}" for each in shown.credentials)


def test_the_line_is_that_of_the_secret_in_a_text_of_several_lines() -> None:
    text = f"data:\n  script.sh: |\n    #!/bin/sh\n    export PGPASSWORD={VALUE}\n    psql\n"
    assert [each.line for each in scan.scan_file(text.encode(), "yaml").credentials] == [3]
    nested = f"patches:\n  - target: {{}}\n    patch: |\n      data:\n        b: 1\n        A_PASSWORD: {VALUE}\n"
    assert [each.line for each in scan.scan_file(nested.encode(), "yaml").credentials] == [5]


def test_aliases_of_aliases_are_read_once() -> None:
    levels = "".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]\n" for n in range(1, 5))
    assert hits(f"l0: &l0 {{DB_PASSWORD: {VALUE}}}\n{levels}", "yaml") == ["secrets/literal"]


@given(st.binary(max_size=400), st.sampled_from(["yaml", "json", "env", "cfg", "py", "sh", "md", "pem", ""]))
def test_any_bytes_can_be_read(data: bytes, kind: str) -> None:
    scan.scan_file(data, kind)
    certificates.newest(b"-----BEGIN CERTIFICATE-----" + data + b"-----END CERTIFICATE-----")


def test_a_fresh_repo_has_no_finding(context: EnvironmentContext) -> None:
    assert found(context, "secrets") == []
    assert aged(context, datetime.now(UTC)) == []


def test_records_are_read_as_they_are_written(context: EnvironmentContext) -> None:
    assert {scope.value for scope in sealing.Scope} == set(items.SCOPES)
    read = items.sealed_secrets(context)
    assert len(read) == 6
    pinned = certificates.pinned(context.environment, context.tree)
    assert pinned is not None
    for sealed in read:
        assert set(sealed.records) == set(sealed.items)
        for record in sealed.records.values():
            assert record is not None
            assert record.certificate == pinned.fingerprint
            assert (record.namespace, record.name, record.scope) == ("airflow-dev", sealed.name, "strict")


def resealed(
    context: EnvironmentContext, scope: sealing.Scope, name: str = "airflow-api", namespace: str = "airflow-dev"
) -> dict[str, Any]:
    """A SealedSecret as taxiway makes it for the pinned certificate."""
    pem = context.tree[certificates.path(context.environment)]
    certificate = sealing.read_certificate(pem, source="test", now=datetime.now(UTC))
    sealer = sealed_secrets.Sealer(certificate=certificate, namespace=namespace, now=NOW, scope=scope)
    held: dict[str, Any] = yaml.safe_load(sealer.document(name, {"AIRFLOW__API__SECRET_KEY": Secret(b"xy")}))
    held["metadata"] |= {"name": "airflow-api", "namespace": "airflow-dev"}
    return held


SCOPES = {
    # What is sealed under a scope opens under another name or in another namespace only as far as the scope goes.
    ("strict", "airflow-api", "airflow-dev"): [],
    ("strict", "airflow-web", "airflow-dev"): ["secrets/sealed-elsewhere"],
    ("strict", "airflow-api", "airflow-complete"): ["secrets/sealed-elsewhere"],
    ("namespace-wide", "airflow-api", "airflow-dev"): [],
    ("namespace-wide", "airflow-web", "airflow-dev"): [],
    ("namespace-wide", "airflow-api", "airflow-complete"): ["secrets/sealed-elsewhere"],
    ("cluster-wide", "airflow-api", "airflow-dev"): [],
}


@pytest.mark.parametrize("case", SCOPES, ids=str)
def test_a_record_is_compared_with_what_its_scope_binds(
    context: EnvironmentContext, case: tuple[str, str, str], keys: Keys
) -> None:
    scope, name, namespace = case
    held = resealed(context, sealing.Scope(scope), name, namespace)
    assert rules(found(changed(context, {}, held), "secrets")) == SCOPES[case]
    # What the rule says is what the controller's algorithm does.
    text = held["spec"]["encryptedData"]["AIRFLOW__API__SECRET_KEY"]
    if SCOPES[case]:
        with pytest.raises(BadCertificate):
            keys.open(text, sealing.Scope(scope), "airflow-dev", "airflow-api")
    else:
        assert keys.open(text, sealing.Scope(scope), "airflow-dev", "airflow-api") == b"xy"


@pytest.mark.parametrize("value", [None, True, "True", "yes", "1", "false"])
def test_only_the_text_true_sets_a_scope(context: EnvironmentContext, value: Any) -> None:
    held = resealed(context, sealing.Scope.CLUSTER_WIDE)
    held["metadata"]["annotations"]["sealedsecrets.bitnami.com/cluster-wide"] = value
    assert rules(found(changed(context, {}, held), "secrets")) == ["secrets/scope"]


def test_a_wrong_namespace_of_the_overlay_is_left_to_the_sync_rules(context: EnvironmentContext) -> None:
    moved = [
        {**obj, "metadata": {**obj["metadata"], "namespace": "elsewhere"}} for obj in context.of_kind("SealedSecret")
    ]
    assert "secrets/sealed-elsewhere" not in rules(found(changed(context, {}, *moved), "secrets"))


def test_a_name_prefix_is_reported_at_its_line(context: EnvironmentContext) -> None:
    path = "overlays/dev/kustomization.yaml"
    files = {**context.tree.files, path: context.tree[path] + b"namePrefix: dev-\n"}
    renamed = [{**e, "metadata": {**e["metadata"], "name": f"dev-{e['metadata']['name']}"}} for e in context.objects]
    prefixed = replace(context, tree=Tree(files), rendered=yaml.safe_dump_all(renamed).encode())
    (finding,) = found(prefixed, "secrets")
    assert (finding.rule.name, finding.place.path) == ("secrets/sealed-elsewhere", path)
    assert files[path].decode().splitlines()[finding.place.line - 1] == "namePrefix: dev-"


def test_secrets_sealed_by_kubeseal_have_no_finding(context: EnvironmentContext) -> None:
    held = resealed(context, sealing.Scope.STRICT)
    del held["metadata"]["annotations"]
    assert rules(found(changed(context, {}, held), "secrets")) == []
    held["spec"]["template"] = {"metadata": {"creationTimestamp": None}}
    assert rules(found(changed(context, {}, held), "secrets")) == []


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        (lambda raw: base64.b64encode(raw).decode(), False),
        (lambda raw: base64.encodebytes(raw).decode(), False),  # Go's reader passes over line ends
        (lambda raw: base64.b64encode(raw).decode().rstrip("="), True),
        (lambda raw: base64.b64encode(raw).decode() + " ", True),
        (lambda raw: base64.urlsafe_b64encode(b"\2\0" + b"\xff" * 512 + raw[514:]).decode(), True),
        (lambda raw: base64.b64encode(raw[: 2 + 512 + 15]).decode(), True),
        (lambda raw: base64.b64encode(raw[: 2 + 512 + 16]).decode(), False),
        (lambda raw: base64.b64encode(b"\1\0" + raw[2:]).decode(), True),  # 2048 bits, and the record says 4096
        (lambda raw: "", True),
        (lambda raw: 7, True),
    ],
)
def test_a_sealed_value_must_be_parsable_by_the_controller(
    context: EnvironmentContext, value: Any, wrong: bool
) -> None:
    held = resealed(context, sealing.Scope.STRICT)
    data = held["spec"]["encryptedData"]
    raw = base64.b64decode(data["AIRFLOW__API__SECRET_KEY"])
    assert len(raw) % 3, "padding is part of the test"
    data["AIRFLOW__API__SECRET_KEY"] = value(raw)
    assert rules(found(changed(context, {}, held), "secrets")) == ["secrets/ciphertext"] * wrong


def extra(context: EnvironmentContext, name: str, keys: list[str], **metadata: Any) -> dict[str, Any]:
    """A SealedSecret of kubeseal's with these keys."""
    text = resealed(context, sealing.Scope.STRICT)["spec"]["encryptedData"]["AIRFLOW__API__SECRET_KEY"]
    return {
        "apiVersion": "bitnami.com/v1alpha1",
        "kind": "SealedSecret",
        "metadata": {"name": name, "namespace": "airflow-dev", **metadata},
        "spec": {"encryptedData": dict.fromkeys(keys, text), "template": {"type": "Opaque"}},
    }


READERS: dict[str, Any] = {
    "envFrom": {"envFrom": [{"secretRef": {"name": "smtp", "optional": True}}]},
    "both keys": {
        "env": [{"valueFrom": {"secretKeyRef": {"name": "smtp", "key": key}}} for key in ("user", "password")],
    },
    "a text": {"args": ["kubectl get secret smtp -o yaml"]},
}  # fmt: skip
POD_READERS: dict[str, Any] = {
    "a volume": {"volumes": [{"name": "v", "secret": {"secretName": "smtp"}}]},
    "a projected volume": {"volumes": [{"name": "v", "projected": {"sources": [{"secret": {"name": "smtp"}}]}}]},
    "a pull secret": {"imagePullSecrets": [{"name": "smtp"}]},
}


@pytest.mark.parametrize("reader", [*READERS, *POD_READERS])
def test_every_kind_of_reader_of_a_secret_counts(context: EnvironmentContext, reader: str) -> None:
    spec = {"containers": [{"name": "c", **READERS.get(reader, {})}], **POD_READERS.get(reader, {})}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "mailer"}, "spec": spec}
    held = extra(context, "smtp", ["user", "password"])
    assert rules(found(changed(context, {}, held), "secrets")) == ["secrets/unused"]
    assert rules(found(changed(context, {}, held, pod), "secrets")) == []


def test_a_volume_of_some_keys_does_not_read_the_others(context: EnvironmentContext) -> None:
    source = {"secretName": "smtp", "items": [{"key": "password", "path": "p"}]}
    spec = {"containers": [], "volumes": [{"name": "v", "secret": source}]}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "mailer"}, "spec": spec}
    (finding,) = found(changed(context, {}, extra(context, "smtp", ["passwort", "password"]), pod), "secrets")
    assert (finding.rule.name, "passwort" in finding.message) == ("secrets/unused", True)
    # Where the key that is read is not there, the one that nobody reads is that one, and told where it is read.
    assert rules(found(changed(context, {}, extra(context, "smtp", ["passwort"]), pod), "secrets")) == []


def test_an_annotation_can_name_an_external_reader(context: EnvironmentContext) -> None:
    named = extra(context, "smtp", ["password"], annotations={"taxiway/read-by": "the DAG newsletter"})
    labelled = extra(context, "repo", ["password"])
    labelled["spec"]["template"]["metadata"] = {"labels": {"argocd.argoproj.io/secret-type": "repository"}}
    assert rules(found(changed(context, {}, named, labelled), "secrets")) == []


def test_a_build_that_failed_has_nothing_missing_and_nothing_unused(context: EnvironmentContext) -> None:
    failed = replace(context, rendered=b"", failure="no")
    assert found(failed, "secrets") == []


def test_a_rendered_secret_without_a_file_is_reported_at_the_overlay(context: EnvironmentContext) -> None:
    plain = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "from-a-remote-base"},
        "data": {"a": "aG9yc2U="},
    }
    (finding,) = found(changed(context, {}, plain), "secrets")
    assert finding.rule.name == "secrets/plain-secret"
    assert finding.place.path == "overlays/dev/kustomization.yaml"


@pytest.mark.parametrize(
    ("days", "wanted"),
    [
        (-1, ["secrets/certificate-dates"]),
        (0, []),
        (3600, []),
        (3621, ["secrets/certificate-ending"]),
        (3651, ["secrets/certificate-dates"]),
    ],
)
def test_the_age_of_a_certificate_decides_its_findings(
    context: EnvironmentContext, days: int, wanted: list[str]
) -> None:
    pinned = certificates.pinned(context.environment, context.tree)
    assert pinned is not None
    assert rules(aged(context, pinned.not_before + timedelta(days=days, seconds=1))) == wanted


def test_a_certificate_is_read_as_it_is_for_sealing(keys: Keys) -> None:
    key = sealing.read_key(Secret(keys.key.read_bytes()), source="test")
    older = sealing.certify(key, now=datetime.now(UTC) - timedelta(days=90))
    both = b"subject=CN = a\n" + older + keys.certificate.read_bytes()
    wanted = sealing.read_certificate(both, source="test", now=datetime.now(UTC))
    read = certificates.newest(both)
    assert isinstance(read, certificates.PinnedCertificate)
    assert (read.fingerprint, read.not_after) == (wanted.fingerprint, wanted.not_after)
    assert (read.size * 8, read.line) == (wanted.key.key_size, both.count(b"\n", 0, both.rindex(b"-----BEGIN")) + 1)


def test_the_tokens_of_these_tests_are_found_as_such() -> None:
    assert hits(f"{GITHUB} {FERNET_KEY} {JWT_TOKEN}", "txt") == ["secrets/token"]
