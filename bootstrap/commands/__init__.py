"""One module a verb: read, plan, check, apply."""
