// Checks the note FOLDER/checkpoint with golang.org/x/mod/sumdb/note alone, under the first key of FOLDER/log.vkey. Says how many
// lines it passed over because it does not know their keys. Shares no code with Rogatory.
//
//	GO111MODULE=off GOPATH=/usr/share/gocode go run note.go FOLDER
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "FAIL", err)
		os.Exit(1)
	}
}

func main() {
	key, err := os.ReadFile(filepath.Join(os.Args[1], "log.vkey"))
	must(err)
	first, _, _ := strings.Cut(string(key), "\n")
	verifier, err := note.NewVerifier(first)
	must(err)
	text, err := os.ReadFile(filepath.Join(os.Args[1], "checkpoint"))
	must(err)
	n, err := note.Open(text, note.VerifierList(verifier))
	must(err)
	if len(n.Sigs) != 1 {
		must(fmt.Errorf("%d signatures", len(n.Sigs)))
	}
	fmt.Printf("signed by %s, %d lines passed over\n", n.Sigs[0].Name, len(n.UnverifiedSigs))
}
