"""YAML: read within limits, edited without touching other bytes, with the line of each value."""
