"""The rules, one function each: pure, from a context to violations. A package a family."""
