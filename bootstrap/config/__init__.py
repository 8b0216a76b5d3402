"""taxiway.yaml: the model of an environment repo, its edits, its remote, and the parts of the repo."""
