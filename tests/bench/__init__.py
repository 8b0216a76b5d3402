"""Speed and memory, beside what a user would do instead. Measurements, no tests: a missed target fails nothing."""
