"""Rules, by family: one pure function per rule, from a context to violations."""
