"""What the API server of a cluster says of the objects of an environment (with --server)."""
