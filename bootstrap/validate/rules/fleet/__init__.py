"""Environments beside each other: what one alone may have on a cluster, and what belongs to none of them."""
