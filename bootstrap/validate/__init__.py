"""`taxiway validate`: rules, what they look at, and what they find."""
