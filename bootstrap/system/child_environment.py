"""The environment variables that a child process gets: by what it is for, those that it needs.

`process.run` asks here, so that a token in our own environment reaches no program that has no use for it: kustomize,
for one, runs over files of whoever can open a pull request.
"""

import re
from collections.abc import Mapping
from enum import Enum

# What forges' tokens are called, as each forge's own CLI and its own CI name them.
TOKENS = (
    "TAXIWAY_TOKEN|GH_TOKEN|GITHUB_TOKEN|GH_ENTERPRISE_TOKEN|GITHUB_ENTERPRISE_TOKEN|GITLAB_TOKEN|GITLAB_ACCESS_TOKEN|"
    "OAUTH_TOKEN|CI_JOB_TOKEN|CI_JOB_JWT|CI_REGISTRY_PASSWORD|CI_DEPLOY_PASSWORD|CI_REPOSITORY_URL|GITEA_TOKEN|"
    "GITEA_SERVER_TOKEN|FORGEJO_TOKEN|ACTIONS_RUNTIME_TOKEN|ACTIONS_ID_TOKEN_REQUEST_TOKEN"
)
# Where programs are, where they keep what is theirs, how they show text; and what Go programs read of their runtime.
_ANY = r"PATH|HOME|USER|LOGNAME|TMPDIR|TMP|TEMP|TZ|LANG|LANGUAGE|LC_\w+|XDG_\w+|LD_LIBRARY_PATH|DYLD_\w+|NIX_\w+"
_GO = "GOGC|GOMEMLIMIT|GOMAXPROCS|GODEBUG|GOTRACEBACK|GOCOVERDIR"
_SHIMS = r"(?:ASDF|MISE)_(?!\w*TOKEN)\w+"  # programs that lead to another version in each folder
_NETWORK = r"(?i:https?_proxy|no_proxy|all_proxy)|SSL_CERT_FILE|SSL_CERT_DIR|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE"
_DESKTOP = "DISPLAY|WAYLAND_DISPLAY|XAUTHORITY|DBUS_SESSION_BUS_ADDRESS|BROWSER|SSH_AUTH_SOCK|GNUPGHOME|GPG_TTY"
# What the exec plugins of kubeconfigs read to sign in to a cluster, by their vendors.
_CLUSTERS = (
    r"KUBECONFIG|KUBE_\w+|KUBECTL_\w+|KUBERNETES_\w+|KUBELOGIN_\w+|AWS_\w+|AZURE_\w+|AAD_\w+|ARM_\w+|MSI_\w+|IDENTITY_\w+|"
    r"GOOGLE_\w+|CLOUDSDK_\w+|USE_GKE_GCLOUD_AUTH_PLUGIN|OCI_\w+|IBMCLOUD_\w+|DIGITALOCEAN_\w+|LINODE_\w+|SCW_\w+|"
    r"HCLOUD_\w+|TELEPORT_\w+|TSH_\w+|VAULT_\w+|OIDC_\w+|KRB5\w+|PINNIPED_\w+|RANCHER_\w+"
)
# The variables of Git (git(1)) that say how it reaches others, who commits, and what is configured. All others say
# which repository, index or objects it works on, and what it runs (GIT_EXTERNAL_DIFF): where a hook starts us, they
# are those of the repository that runs the hook. As `pre-commit` does it (pre_commit/git.py, no_git_env).
_GIT = (
    r"SSH|SSH_COMMAND|SSH_VARIANT|ASKPASS|TERMINAL_PROMPT|AUTHOR_\w+|COMMITTER_\w+|CONFIG_GLOBAL|CONFIG_SYSTEM|"
    r"CONFIG_NOSYSTEM|CONFIG_COUNT|CONFIG_KEY_\d+|CONFIG_VALUE_\d+|SSL_\w+|PROXY_\w+|HTTP_\w+|ALLOW_PROTOCOL|"
    r"PROTOCOL_FROM_USER|PROTOCOL|EXEC_PATH|TEMPLATE_DIR|CEILING_DIRECTORIES|DISCOVERY_ACROSS_FILESYSTEM|ATTR_NOSYSTEM|"
    r"DEFAULT_HASH|TRACE\w*|CURL_VERBOSE|REDACT_COOKIES|TR2_\w+"
)


def _names(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns))


class Child(Enum):
    """What a child process is for; each has a test that says whether it gets a variable.

    Git runs the user's own hooks, signing programs and credential helpers, which may read anything: so it gets all but
    tokens and the variables of Git that are not meant for it. Where it goes to a remote, it gets the tokens too, which
    helpers such as `gh auth git-credential` hand out; only TAXIWAY_TOKEN, which is ours, goes to no one.
    """

    PLAIN = _names(_ANY, _GO, _SHIMS)
    KUBECTL = _names(_ANY, _GO, _SHIMS, _NETWORK, _DESKTOP, _CLUSTERS)
    FORGE_CLI = _names(_ANY, _GO, _SHIMS, _NETWORK, _DESKTOP, "GH_CONFIG_DIR|GLAB_CONFIG_DIR")
    GIT = _names(rf"GIT_(?:{_GIT})|(?!(?:GIT_\w*|{TOKENS})\Z).*")
    GIT_REMOTE = _names(rf"GIT_(?:{_GIT})|(?!(?:GIT_\w*|TAXIWAY_TOKEN)\Z).*")

    def environment(self, own: Mapping[str, str]) -> dict[str, str]:
        """Those of our own variables that it gets."""
        return {name: value for name, value in own.items() if self.value.fullmatch(name)}
