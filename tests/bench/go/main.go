// Seals values with upstream's own code: for every count it reads, it answers with the CPU seconds that so many took.
//
// Arguments: the certificate's file, the label, the value.
package main

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log"
	"os"
	"syscall"

	"github.com/bitnami/sealed-secrets/pkg/crypto"
)

func main() {
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	block, _ := pem.Decode(text)
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		log.Fatal(err)
	}
	key, label, value := certificate.PublicKey.(*rsa.PublicKey), []byte(os.Args[2]), []byte(os.Args[3])
	for {
		var count int
		if _, err := fmt.Scanln(&count); err != nil {
			return
		}
		start := processTime()
		for range count {
			if _, err := crypto.HybridEncrypt(rand.Reader, key, value, label); err != nil {
				log.Fatal(err)
			}
		}
		fmt.Println(processTime() - start)
	}
}

func processTime() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		log.Fatal(err)
	}
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
}
