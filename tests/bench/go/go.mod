module taxiway.test/bench

go 1.26.8

require github.com/bitnami/sealed-secrets v0.40.0

require (
	golang.org/x/crypto v0.56.0 // indirect
	golang.org/x/sys v0.47.0 // indirect
)

// Module proxies hold this release under the project's older name.
replace github.com/bitnami/sealed-secrets => github.com/bitnami-labs/sealed-secrets v0.40.0
