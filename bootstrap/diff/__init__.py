"""Differences between rendered environments, their consequences, and how both are told."""
