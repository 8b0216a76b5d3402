"""Fleet: conflicts between environments of a cluster, and files that belong to none."""
