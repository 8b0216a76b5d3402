"""Secrets: none in plaintext, and every SealedSecret can be decrypted by its cluster."""
