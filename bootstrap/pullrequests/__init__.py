"""Pull requests: the base commit, the record in a commit message, title and body, publishing."""
