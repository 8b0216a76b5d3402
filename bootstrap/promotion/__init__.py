"""Releases: what a promotion carries, three-way merges, rollbacks, and edits of single values."""
