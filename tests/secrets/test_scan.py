"""What is refused before it is written: settings that are secret by name alone, private keys of any form."""

import pytest

from bootstrap.core.errors import BuildFailed
from bootstrap.core.tree import Tree
from bootstrap.secrets import scan
from bootstrap.secrets.credentials import holds_private_key

NAMES = ["SMTP_PASSWORD", "PGPASSWORD", "smtp_passWord", "smtpPassword", "DB_PWD", "X__FERNET_KEYS"]


@pytest.mark.parametrize("name", [*NAMES, "CLIENT_SECRET", "SECRET", "A" * 200 + "_TOKEN"])
def test_a_setting_is_secret_by_its_name_whatever_its_value_is(name: str) -> None:
    assert scan.is_plain_setting(name, "")
    assert not scan.is_plain_setting(f"{name}_PATH_LIMIT", "")


@pytest.mark.parametrize("text", ["-----BEGIN RSA PRIVATE" + " KEY-----", "AGE-SECRET" + "-KEY-1" + "Q" * 58])
def test_a_private_key_is_not_committed(text: str) -> None:
    assert holds_private_key(f"a\n# {text}".encode())
    with pytest.raises(BuildFailed, match="dev/key: holds a private key"):
        scan.refuse_plaintext(Tree({"dev/key": text.encode()}), {})


def test_a_rendered_secret_is_refused_even_without_a_value() -> None:
    rendered = b"kind: ConfigMap\nmetadata:\n  name: a\n---\nkind: Secret\nmetadata:\n  name: b\n"
    with pytest.raises(BuildFailed, match="overlays/dev: renders the Secret b in the clear"):
        scan.refuse_plaintext(Tree({}), {"overlays/dev": rendered})
    scan.refuse_plaintext(Tree({}), {"overlays/dev": rendered.replace(b"Secret", b"SealedSecret")})
