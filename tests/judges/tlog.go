// Checks a custody directory with golang.org/x/mod/sumdb alone: the note's signature, the root from the tiles, every
// entry of the bundles, consistency with an older checkpoint, and tlog-proof files. Shares no code with Rogatory.
// The log may be a directory or the address of one that is served; of the latter LOG_VKEY names the file of its key.
//
//	GO111MODULE=off GOPATH=/usr/share/gocode go run tlog.go CUSTODY_DIR|URL OLD_CHECKPOINT|- [PROOF...]
package main

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8

// files reads tiles from a directory. The Go package writes the height into the path, C2SP does not.
type files struct{ dir string }

// fetch reads a file of the log from its directory or its address.
func fetch(log, name string) ([]byte, error) {
	if !strings.HasPrefix(log, "http://") {
		return os.ReadFile(filepath.Join(log, name))
	}
	answer, err := http.Get(log + "/" + name)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", name, answer.Status)
	}
	kind := "application/octet-stream"
	if name == "checkpoint" {
		kind = "text/plain; charset=utf-8"
	}
	if got := answer.Header.Get("Content-Type"); got != kind {
		return nil, fmt.Errorf("%s: content type %q", name, got)
	}
	return io.ReadAll(answer.Body)
}

func path(t tlog.Tile) string {
	return strings.Replace(t.Path(), fmt.Sprintf("tile/%d/", height), "tile/", 1)
}

func (f files) Height() int { return height }

func (f files) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, t := range tiles {
		data, err := fetch(f.dir, path(t))
		if err != nil {
			return nil, err
		}
		all = append(all, data)
	}
	return all, nil
}

func (f files) SaveTiles([]tlog.Tile, [][]byte) {}

func fail(what string, err error) {
	fmt.Fprintln(os.Stderr, "FAIL", what, err)
	os.Exit(1)
}

// open checks the note and gives the tree that it signs.
func open(text []byte, verifier note.Verifier) tlog.Tree {
	n, err := note.Open(text, note.VerifierList(verifier))
	if err != nil {
		fail("note", err)
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) < 4 || lines[0] != verifier.Name() {
		fail("origin", fmt.Errorf("%q", lines))
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		fail("size", err)
	}
	hash, err := tlog.ParseHash(lines[2])
	if err != nil {
		fail("root", err)
	}
	return tlog.Tree{N: size, Hash: hash}
}

// entries compares every entry of the bundles with its leaf in the tree.
func entries(dir string, tree tlog.Tree, hashes tlog.HashReader) {
	for first := int64(0); first < tree.N; first += 1 << height {
		width := tree.N - first
		if width > 1<<height {
			width = 1 << height
		}
		t := tlog.Tile{H: height, L: 0, N: first >> height, W: int(width)}
		name := strings.Replace(path(t), "tile/0/", "tile/entries/", 1)
		data, err := fetch(dir, name)
		if err != nil {
			fail("bundle", err)
		}
		for index := first; index < first+width; index++ {
			if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
				fail("bundle", fmt.Errorf("%s is short", name))
			}
			end := 2 + int(binary.BigEndian.Uint16(data))
			leaf, err := hashes.ReadHashes([]int64{tlog.StoredHashIndex(0, index)})
			if err != nil || leaf[0] != tlog.RecordHash(data[2:end]) {
				fail("entry", fmt.Errorf("%d: %v", index, err))
			}
			data = data[end:]
		}
		if len(data) != 0 {
			fail("bundle", fmt.Errorf("%s is long", name))
		}
	}
	fmt.Println("entries", tree.N)
}

// proof checks a tlog-proof file for the leaf that the tiles hold at its index.
func proof(name string, verifier note.Verifier, hashes tlog.HashReader) {
	text, err := os.ReadFile(name)
	if err != nil {
		fail("proof", err)
	}
	head, checkpoint, found := strings.Cut(string(text), "\n\n")
	lines := strings.Split(head, "\n")
	if !found || len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" {
		fail("proof", fmt.Errorf("%s", head))
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(lines[1], "index "), 10, 64)
	if err != nil {
		fail("proof", err)
	}
	var p tlog.RecordProof
	for _, line := range lines[2:] {
		raw, err := base64.StdEncoding.DecodeString(line)
		if err != nil || len(raw) != tlog.HashSize {
			fail("proof", fmt.Errorf("%s: %v", line, err))
		}
		var hash tlog.Hash
		copy(hash[:], raw)
		p = append(p, hash)
	}
	tree := open([]byte(checkpoint), verifier)
	leaf, err := hashes.ReadHashes([]int64{tlog.StoredHashIndex(0, index)})
	if err != nil {
		fail("leaf", err)
	}
	if err := tlog.CheckRecord(p, tree.N, tree.Hash, index, leaf[0]); err != nil {
		fail(name, err)
	}
}

func main() {
	dir, old, proofs := os.Args[1], os.Args[2], os.Args[3:]
	vkey := os.Getenv("LOG_VKEY")
	if vkey == "" {
		vkey = filepath.Join(dir, "log.vkey")
	}
	key, err := os.ReadFile(vkey)
	if err != nil {
		fail("key", err)
	}
	// One key a line: the Ed25519 key first. Others are of types that this package does not know, and so are their lines.
	first, _, _ := strings.Cut(string(key), "\n")
	verifier, err := note.NewVerifier(first)
	if err != nil {
		fail("key", err)
	}
	text, err := fetch(dir, "checkpoint")
	if err != nil {
		fail("checkpoint", err)
	}
	tree := open(text, verifier)
	fmt.Println("size", tree.N)
	hashes := tlog.TileHashReader(tree, files{dir})
	root, err := tlog.TreeHash(tree.N, hashes)
	if err != nil || root != tree.Hash {
		fail("root", fmt.Errorf("%v %v", root, err))
	}
	entries(dir, tree, hashes)
	if old != "-" {
		text, err := os.ReadFile(old)
		if err != nil {
			fail("old checkpoint", err)
		}
		before := open(text, verifier)
		p, err := tlog.ProveTree(tree.N, before.N, hashes)
		if err != nil {
			fail("consistency", err)
		}
		if err := tlog.CheckTree(p, tree.N, tree.Hash, before.N, before.Hash); err != nil {
			fail("consistency", err)
		}
		fmt.Println("consistent with", before.N)
	}
	for _, name := range proofs {
		proof(name, verifier, hashes)
	}
	fmt.Println("proofs", len(proofs))
}
