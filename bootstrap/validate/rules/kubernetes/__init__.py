"""Kubernetes API: what API servers refuse, for every minor from the oldest in taxiway.yaml on."""
