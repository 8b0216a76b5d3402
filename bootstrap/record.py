"""What stands beside sealed items in a repo: the names of their records, and of the certificate that they are for."""

# The prefix of the annotations that say, item by item, what a ciphertext can't tell.
RECORD = "taxiway/sealed."
CERTIFICATE = "sealing-cert.pem"
