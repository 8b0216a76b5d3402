"""Sealing: beside the bare calls, beside upstream's own code, and beside kubeseal."""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bootstrap.core.secret import Secret
from bootstrap.secrets import sealing
from bootstrap.system import process
from tests.bench import programs
from tests.bench.programs import PYTHON, Failed, Home
from tests.bench.samples import Samples, in_turns
from tests.bench.table import NotMeasured, Row, Section, faster, overhead

VALUE = b"Wm0nP2a7c1x8Q4r9T6y3u5K0"
NAMESPACE, NAME = "airflow-dev", "airflow-fernet"
LABEL = sealing.oaep_label(sealing.Scope.STRICT, NAMESPACE, NAME)
MANY = 100
_BATCH = 25
_NONCE = bytes(12)

# What a script would do with our library: a process of its own that seals a hundred values.
_SCRIPT = f"""
import sys
from datetime import UTC, datetime
from pathlib import Path
from bootstrap.core.secret import Secret
from bootstrap.secrets import sealing
source = sys.argv[1]
certificate = sealing.read_certificate(Path(source).read_bytes(), source=source, now=datetime.now(UTC))
label = sealing.oaep_label(sealing.Scope.STRICT, {NAMESPACE!r}, {NAME!r})
for number in range({MANY}):
    print(sealing.seal(Secret(b"value-%d" % number), certificate.key, label))
"""
_KUBESEAL_EACH = f"""
number=0
while [ $number -lt {MANY} ]; do
  printf "value-$number" |
    "$1" --raw --cert "$2" --namespace {NAMESPACE} --name {NAME} --from-file=/dev/stdin || exit
  number=$((number + 1))
done
"""
_KUBESEAL_ONCE = '"$1" --cert "$2" --format yaml <"$3"'


def one_value(home: Home) -> Section:
    """One value after another, in CPU time, which does not count what else the machine does."""
    key = _certificate(home).key
    oaep = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=LABEL)

    def ours() -> None:
        sealing.seal(Secret(VALUE), key, LABEL)

    def bare() -> None:
        session_key = os.urandom(32)
        key.encrypt(session_key, oaep)
        AESGCM(session_key).encrypt(_NONCE, VALUE, None)

    seal, call = partial(_each, ours), partial(_each, bare)
    pair = [Samples(values) for values in in_turns(200, seal, call)]
    figure = "one value"
    rows: list[Row | NotMeasured] = [
        Row(
            figure=figure,
            ours=pair[0],
            instead="bare RSA-OAEP and AES-GCM calls",
            theirs=pair[1],
            target=overhead(*pair, most=0.1),
        )
    ]
    instead = "upstream's Go code 0.40.0, GOMAXPROCS=1"
    try:
        with _upstream(home) as upstream:
            pair = [Samples(values) for values in in_turns(100, seal, upstream)]
        rows.append(Row(figure=figure, ours=pair[0], instead=instead, theirs=pair[1], target=faster(*pair, least=2)))
    except Failed as err:
        rows.append(NotMeasured(figure=figure, instead=instead, bound="at least 2x", reason=str(err)))
    return Section(title=f"Sealing for an RSA-4096 key: CPU time of one core, in batches of {_BATCH}", rows=tuple(rows))


def many_values(home: Home) -> Section:
    """A hundred values, in wall time."""
    title = f"Sealing {MANY} values: wall time, the certificate's reading included"
    kubeseal = os.environ.get("KUBESEAL") or process.find_program("kubeseal")
    alone, whole = "library calls alone", "one process, its start included"
    each, once = f"{MANY} kubeseal --raw in a shell's loop", f"one kubeseal, a Secret of {MANY} keys"
    if kubeseal is None:
        reason = "no kubeseal: put it on PATH, or its path into KUBESEAL"
        return Section(
            title=title,
            rows=tuple(
                NotMeasured(figure=figure, instead=each, bound="at least 30x", reason=reason)
                for figure in (alone, whole)
            ),
        )
    secret = home.folder / "secret.json"
    secret.write_text(_secret())
    certificate = str(home.certificate)
    library, *others = (
        partial(_library, home),
        partial(_wall, home, PYTHON, "-c", _SCRIPT, certificate),
        partial(_wall, home, "sh", "-c", _KUBESEAL_ONCE, "sh", kubeseal, certificate, str(secret)),
    )
    for way in (library, *others):  # into the caches of the operating system and of Python
        way()
    loop = partial(_wall, home, "sh", "-c", _KUBESEAL_EACH, "sh", kubeseal, certificate)
    calls, script, one, hundred = (Samples(values) for values in in_turns(3, library, *others, loop))
    return Section(
        title=title,
        rows=(
            Row(figure=whole, ours=script, instead=each, theirs=hundred, target=faster(script, hundred, least=30)),
            Row(figure=alone, ours=calls, instead=each, theirs=hundred, target=faster(calls, hundred, least=30)),
            Row(figure=whole, ours=script, instead=once, theirs=one),
        ),
    )


def _certificate(home: Home) -> sealing.Certificate:
    source = home.certificate
    return sealing.read_certificate(source.read_bytes(), source=str(source), now=datetime.now(UTC))


def _each(seal: Callable[[], None]) -> float:
    began = time.process_time()
    for _ in range(_BATCH):
        seal()
    return (time.process_time() - began) / _BATCH


def _library(home: Home) -> float:
    began = time.perf_counter()
    key = _certificate(home).key
    for number in range(MANY):
        sealing.seal(Secret(b"value-%d" % number), key, LABEL)
    return time.perf_counter() - began


def _wall(home: Home, *argv: str) -> float:
    return home.run(argv).seconds


def _secret() -> str:
    values = {f"key-{number}": f"value-{number}" for number in range(MANY)}
    metadata = {"namespace": NAMESPACE, "name": NAME}
    return json.dumps({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": values})


@contextmanager
def _upstream(home: Home) -> Iterator[Callable[[], float]]:
    """Upstream's code, built once: a call gives its CPU time for one value. Raises Failed where it can't be built."""
    go = process.find_program("go")
    if go is None:
        raise Failed("no go on PATH")
    sealer = home.folder / "sealer"
    programs.spend([go, "build", "-o", str(sealer), "."], cwd=Path(__file__).with_name("go"))
    environment = {**home.environment, "GOMAXPROCS": "1"}
    argv = [str(sealer), str(home.certificate), LABEL.decode(), VALUE.decode()]
    with programs.conversation(argv, environment=environment) as (asked, answered):

        def seal() -> float:
            asked.write(b"%d\n" % _BATCH)
            asked.flush()
            return float(answered.readline()) / _BATCH

        yield seal
