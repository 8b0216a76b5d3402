"""Secrets: the catalog of keys, sealing, certificates, private keys, and scanning for plaintext."""
