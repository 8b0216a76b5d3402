"""Files that are not read: symbolic links out of the environment, special files, files over the limits."""
