"""YAML and env files: reading within limits, line numbers of values, edits that keep all other bytes."""
