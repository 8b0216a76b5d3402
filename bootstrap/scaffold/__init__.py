"""What `init` and `env add` write: the scaffold, sync objects, CI and the runbook."""
