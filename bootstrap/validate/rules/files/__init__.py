"""What the repository holds beside regular files of a size that people can read."""
