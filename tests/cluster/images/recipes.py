"""What is inside the STAND-INS for the official Airflow, PostgreSQL and LocalStack images, and under the controllers.

Debian packages and Python wheels behind the official names and interface: the same user ids, ports, environment and
entrypoint behaviour. They are not the official bytes.
"""

from tests.cluster.images.recipe import Environment, Recipe

DEBIAN = Recipe(name="debian")
_POSTGRES_SAMPLE = "/usr/share/postgresql/17/postgresql.conf.sample"

# What Argo CD's, Flux's and Gitea's images have besides their own program; each expects its own account.
CONTROLLER = Recipe(
    name="controller",
    under=DEBIAN,
    before=(
        ("groupadd", "-g", "999", "argocd"),
        ("useradd", "-u", "999", "-g", "argocd", "-d", "/home/argocd", "argocd"),
        ("groupadd", "-g", "1000", "git"),
        ("useradd", "-u", "1000", "-g", "git", "-d", "/var/lib/gitea/git", "git"),
    ),
    packages=("git", "openssh-client", "gpg", "gpg-agent", "redis-server", "tini"),
)

AIRFLOW = Recipe(
    name="airflow",
    under=DEBIAN,
    before=(("useradd", "-u", "50000", "-g", "0", "-m", "-d", "/home/airflow", "-s", "/bin/bash", "airflow"),),
    packages=("git", "openssh-client"),
    environment=Environment(
        path="/home/airflow/.local",
        requirements=(
            "apache-airflow==3.3.2",
            "apache-airflow-providers-amazon==9.39.0",
            "apache-airflow-providers-cncf-kubernetes==10.25.0",
            "apache-airflow-providers-fab==3.10.2",
            "apache-airflow-providers-git==1.0.1",
            "apache-airflow-providers-standard",
            "asyncpg",  # every `airflow` command makes the async engine too, and dies without its driver
            "psycopg2-binary",
        ),
    ),
    files="airflow",
    after=(
        (
            *("install", "-d", "-o", "50000", "-g", "0", "-m", "0775", "/opt/airflow"),
            *(f"/opt/airflow/{folder}" for folder in ("dags", "logs", "config", "plugins")),
        ),
        ("env", "AIRFLOW_HOME=/tmp/build/home", "/home/airflow/.local/bin/airflow", "version"),
    ),
)

POSTGRES = Recipe(
    name="postgres",
    under=DEBIAN,
    before=(
        # Before the package: its own account would take the next free id, and the image promises 999.
        ("groupadd", "-r", "-g", "999", "postgres"),
        ("useradd", "-r", "-u", "999", "-g", "999", "-d", "/var/lib/postgresql", "-s", "/bin/bash", "postgres"),
        ("mkdir", "/etc/postgresql-common"),
        ("sh", "-c", "echo 'create_main_cluster = false' > /etc/postgresql-common/createcluster.conf"),
    ),
    packages=("postgresql-17",),
    files="postgres",
    after=(
        ("install", "-d", "-o", "999", "-g", "999", "-m", "1777", "/var/lib/postgresql/data"),
        ("install", "-d", "-o", "999", "-g", "999", "-m", "3777", "/var/run/postgresql"),
        ("mkdir", "-p", "/docker-entrypoint-initdb.d"),
        # The official image listens on every address.
        ("sed", "-i", "s/^#listen_addresses = 'localhost'/listen_addresses = '*'/", _POSTGRES_SAMPLE),
    ),
    # The just-in-time compiler brings 150 MB of LLVM; without its library the server does not use it.
    dropped=(
        *(f"usr/lib/*-linux-gnu/{library}*" for library in ("libLLVM", "libz3")),
        *(f"usr/lib/postgresql/*/lib/{part}" for part in ("bitcode", "llvmjit*")),
    ),
)

LOCALSTACK = Recipe(
    name="localstack",
    under=DEBIAN,
    before=(("useradd", "-m", "-s", "/bin/bash", "localstack"),),
    environment=Environment(
        path="/opt/code/localstack/.venv",
        requirements=(
            "localstack-core[base-runtime]==4.14.0",
            "awscli",
            "awscli-local",
            # What 4.14.0 runs with; it does not say so itself.
            "cbor2<6",
            "cryptography<46.1",
            "pyopenssl==25.3.0",
            "service_identity",
        ),
    ),
    files="localstack",
    after=(
        ("mkdir", "-p", *(f"/etc/localstack/init/{stage}.d" for stage in ("boot", "start", "ready", "shutdown"))),
        # 0777, as in the official image: it also starts as any user.
        ("install", "-d", "-m", "0777", "/var/lib/localstack", "/usr/lib/localstack", "/tmp/localstack"),
        ("touch", "/usr/lib/localstack/.community-version"),  # how the runtime knows that it is in its image
        # The official image ships this cache. Without it the first start parses every service: 470 MB in place of 160.
        ("env", "OVERRIDE_IN_DOCKER=1", "/opt/code/localstack/.venv/bin/python", "-m", "localstack.aws.spec"),
    ),
    dropped=("opt/code/localstack/.venv/lib/*/site-packages/awscli/examples",),
)

RECIPES = {recipe.name: recipe for recipe in (DEBIAN, CONTROLLER, AIRFLOW, POSTGRES, LOCALSTACK)}
