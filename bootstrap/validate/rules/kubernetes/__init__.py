"""The Kubernetes API: what every server from the environment's oldest on would say to its objects."""
