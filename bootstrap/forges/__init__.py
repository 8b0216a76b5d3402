"""Forges: the API of GitHub, GitLab, Gitea and Forgejo for pull requests, by one HTTP client."""
