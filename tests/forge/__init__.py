"""Tests of the forges: a real Gitea, and GitHub and GitLab as their own API descriptions have them."""
