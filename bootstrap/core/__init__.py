"""Plain data and text: errors with exit codes, results, trees of files, change sets, escaping. No effect, no knowledge of the field."""
