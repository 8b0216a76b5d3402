"""Server-side dry run (`--server`): what a cluster's API server refuses."""
