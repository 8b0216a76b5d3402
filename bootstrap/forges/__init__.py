"""Pull requests on GitHub, GitLab, Gitea and Forgejo. `hosting` and `pull_request` are pure; `client` is the way in."""
