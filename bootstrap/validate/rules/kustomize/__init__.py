"""Kustomize: files it does not read, builds that fail, and entries that silently have no effect."""
