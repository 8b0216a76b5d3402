"""Environment variables of child processes: an allowlist for each kind of program.

`process.run` applies it, so that a token in taxiway's environment reaches no program that does not need it: kustomize,
for one, reads files that anyone who opens a pull request can write.
"""

import re
from collections.abc import Mapping
from enum import Enum

# Variables with tokens, as the forges' own CLIs and CI systems name them.
TOKENS = (
    "TAXIWAY_TOKEN|GH_TOKEN|GITHUB_TOKEN|GH_ENTERPRISE_TOKEN|GITHUB_ENTERPRISE_TOKEN|GITLAB_TOKEN|GITLAB_ACCESS_TOKEN|"
    "OAUTH_TOKEN|CI_JOB_TOKEN|CI_JOB_JWT|CI_REGISTRY_PASSWORD|CI_DEPLOY_PASSWORD|CI_REPOSITORY_URL|GITEA_TOKEN|"
    "GITEA_SERVER_TOKEN|FORGEJO_TOKEN|ACTIONS_RUNTIME_TOKEN|ACTIONS_ID_TOKEN_REQUEST_TOKEN"
)
# Every program's: paths, locale, terminal text.
_COMMON = r"PATH|HOME|USER|LOGNAME|TMPDIR|TMP|TEMP|TZ|LANG|LANGUAGE|LC_\w+|XDG_\w+|LD_LIBRARY_PATH|DYLD_\w+|NIX_\w+"
_GO = "GOGC|GOMEMLIMIT|GOMAXPROCS|GODEBUG|GOTRACEBACK|GOCOVERDIR"  # the runtime of programs in Go
_VERSION_MANAGERS = r"(?:ASDF|MISE)_(?!\w*TOKEN)\w+"  # their shims choose a program's version by folder
_NETWORK = r"(?i:https?_proxy|no_proxy|all_proxy)|SSL_CERT_FILE|SSL_CERT_DIR|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE"
_DESKTOP = "DISPLAY|WAYLAND_DISPLAY|XAUTHORITY|DBUS_SESSION_BUS_ADDRESS|BROWSER|SSH_AUTH_SOCK|GNUPGHOME|GPG_TTY"
# What the exec plugins of kubeconfigs read to sign in to a cluster, by their vendors.
_CLUSTERS = (
    r"KUBECONFIG|KUBE_\w+|KUBECTL_\w+|KUBERNETES_\w+|KUBELOGIN_\w+|AWS_\w+|AZURE_\w+|AAD_\w+|ARM_\w+|MSI_\w+|IDENTITY_\w+|"
    r"GOOGLE_\w+|CLOUDSDK_\w+|USE_GKE_GCLOUD_AUTH_PLUGIN|OCI_\w+|IBMCLOUD_\w+|DIGITALOCEAN_\w+|LINODE_\w+|SCW_\w+|"
    r"HCLOUD_\w+|TELEPORT_\w+|TSH_\w+|VAULT_\w+|OIDC_\w+|KRB5\w+|PINNIPED_\w+|RANCHER_\w+"
)
# Git's variables (git(1)) for transport, identity and configuration. The others choose the repository, index and
# objects, or a program to run (GIT_EXTERNAL_DIFF); when taxiway is started by a Git hook, they point to the repository
# of that hook. pre-commit filters them too (pre_commit/git.py, no_git_env).
_GIT = (
    r"SSH|SSH_COMMAND|SSH_VARIANT|ASKPASS|TERMINAL_PROMPT|AUTHOR_\w+|COMMITTER_\w+|CONFIG_GLOBAL|CONFIG_SYSTEM|"
    r"CONFIG_NOSYSTEM|CONFIG_COUNT|CONFIG_KEY_\d+|CONFIG_VALUE_\d+|SSL_\w+|PROXY_\w+|HTTP_\w+|ALLOW_PROTOCOL|"
    r"PROTOCOL_FROM_USER|PROTOCOL|EXEC_PATH|TEMPLATE_DIR|CEILING_DIRECTORIES|DISCOVERY_ACROSS_FILESYSTEM|ATTR_NOSYSTEM|"
    r"DEFAULT_HASH|TRACE\w*|CURL_VERBOSE|REDACT_COOKIES|TR2_\w+"
)


def _names(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(patterns))


class Child(Enum):
    """Kinds of child processes; the value is a pattern of the variables that each gets.

    Git runs the user's hooks, signing programs and credential helpers, which may read anything: so it gets everything
    but tokens and the variables that redirect it. For a remote it gets tokens too, because helpers such as
    `gh auth git-credential` print them. TAXIWAY_TOKEN goes to no child.
    """

    PLAIN = _names(_COMMON, _GO, _VERSION_MANAGERS)
    KUBECTL = _names(_COMMON, _GO, _VERSION_MANAGERS, _NETWORK, _DESKTOP, _CLUSTERS)
    FORGE_CLI = _names(_COMMON, _GO, _VERSION_MANAGERS, _NETWORK, _DESKTOP, "GH_CONFIG_DIR|GLAB_CONFIG_DIR")
    GIT = _names(rf"GIT_(?:{_GIT})|(?!(?:GIT_\w*|{TOKENS})\Z).*")
    GIT_REMOTE = _names(rf"GIT_(?:{_GIT})|(?!(?:GIT_\w*|TAXIWAY_TOKEN)\Z).*")

    def environment(self, own: Mapping[str, str]) -> dict[str, str]:
        """The variables of `own` that the child gets."""
        return {name: value for name, value in own.items() if self.value.fullmatch(name)}
