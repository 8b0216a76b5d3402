"""Kustomize: builds by the real program, and a model of what a kustomization reads and does."""
