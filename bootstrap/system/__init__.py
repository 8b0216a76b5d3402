"""The operating system: child processes, signals, the only writer of files, locks and the cache."""
