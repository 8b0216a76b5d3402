"""The rules of `taxiway validate`: pure functions from files and rendered objects to findings, one module a family."""
