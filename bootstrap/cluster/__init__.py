"""The cluster, through the user's kubectl."""
