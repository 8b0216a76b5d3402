"""Differences between rendered environments, their consequences, and the output formats of both."""
