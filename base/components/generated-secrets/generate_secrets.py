"""Make each Secret that Airflow reads and the namespace lacks, with random values.

Runs in a pod that may create Secrets and nothing else: it cannot look whether one exists, so it asks for each, and
an answer of 409 (already there) means that the one in place is kept. No value is ever printed.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import ssl
import urllib.error
import urllib.request
from pathlib import Path

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")


def generate() -> dict[str, dict[str, str]]:
    """Return keys and fresh values by the name of their Secret."""
    password = secrets.token_urlsafe(24)  # it stands in a URL
    return {
        "airflow-postgres": {
            "DATABASE_HOST": "airflow-pg",
            "DATABASE_PORT": "5432",
            "DATABASE_DB": "airflow",
            "DATABASE_USER": "airflow",
            "DATABASE_PASSWORD": password,
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": (
                f"postgresql+psycopg2://airflow:{password}@airflow-pg:5432/airflow"
            ),
        },
        "airflow-fernet": {
            "AIRFLOW__CORE__FERNET_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        },
        "airflow-jwt": {"AIRFLOW__API_AUTH__JWT_SECRET": secrets.token_urlsafe(64)},
        "airflow-api": {"AIRFLOW__API__SECRET_KEY": secrets.token_urlsafe(32)},
        "airflow-admin": {"ADMIN_USERNAME": "admin", "ADMIN_PASSWORD": secrets.token_urlsafe(18)},
        "airflow-connections": {
            "AIRFLOW_CONN_AWS_DEFAULT": json.dumps(
                {
                    "conn_type": "aws",
                    "login": "test",
                    "password": secrets.token_urlsafe(18),  # LocalStack takes any
                    "extra": {"endpoint_url": "http://airflow-s3:33000", "region_name": "us-east-1"},
                }
            ),
        },
    }


def create(server: str, namespace: str, token: str, name: str, values: dict[str, str], trust: ssl.SSLContext) -> bool:
    """Create one Secret; return False where one of this name exists. Any other refusal raises HTTPError."""
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "labels": {"app.kubernetes.io/part-of": "airflow"}},
        "stringData": values,
    }
    request = urllib.request.Request(
        f"{server}/api/v1/namespaces/{namespace}/secrets",
        data=json.dumps(secret).encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=30, context=trust):
            return True
    except urllib.error.HTTPError as error:
        if error.code == 409:
            return False
        raise


def main() -> None:
    host = os.environ["KUBERNETES_SERVICE_HOST"]
    server = f"https://{f'[{host}]' if ':' in host else host}:{os.environ['KUBERNETES_SERVICE_PORT']}"
    namespace = (ACCOUNT / "namespace").read_text()
    token = (ACCOUNT / "token").read_text()
    trust = ssl.create_default_context(cafile=ACCOUNT / "ca.crt")
    for name, values in generate().items():
        made = create(server, namespace, token, name, values, trust)
        print(f"{name}: {'created' if made else 'already there, kept'}", flush=True)


if __name__ == "__main__":
    main()
