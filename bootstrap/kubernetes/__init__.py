"""Kubernetes objects: identity, schemas of several minors, conformance, quantities."""
