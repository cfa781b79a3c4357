package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

var (
	//go:embed assets/councilid.css
	stylesheet []byte
	//go:embed assets/favicon.svg
	favicon []byte
	//go:embed assets/post.js
	postScript []byte
	//go:embed assets/passkey.js
	passkeyScript []byte
	//go:embed assets/stay.js
	stayScript []byte
)

// assets are the files that the pages refer to, by name.
type assets map[string]asset

type asset struct {
	mediaType string
	hash      string // of body, part of the URL: a changed file has another address
	body      []byte
	gzipped   func() []byte // made when first asked for; nil where that is not smaller
}

func newAssets(look Look) assets {
	a := assets{}
	for _, f := range []struct {
		name, mediaType string
		body            []byte
	}{
		{"councilid.css", "text/css; charset=utf-8", stylesheet},
		{"look.css", "text/css; charset=utf-8", look.css()},
		{"favicon.svg", "image/svg+xml", favicon},
		{"post.js", "text/javascript; charset=utf-8", postScript},
		{"passkey.js", "text/javascript; charset=utf-8", passkeyScript},
		{"stay.js", "text/javascript; charset=utf-8", stayScript},
		{"logo", look.LogoType, look.Logo},
	} {
		sum := sha256.Sum256(f.body)
		gzipped := sync.OnceValue(func() []byte { return compress(f.body) })
		a[f.name] = asset{f.mediaType, hex.EncodeToString(sum[:6]), f.body, gzipped}
	}
	return a
}

func compress(body []byte) []byte {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil
	}
	_, written := z.Write(body)
	if err := errors.Join(written, z.Close()); err != nil || b.Len() >= len(body) {
		return nil
	}
	return b.Bytes()
}

// url is the address of the asset called name.
func (a assets) url(name string) (string, error) {
	f, ok := a[name]
	if !ok {
		return "", fmt.Errorf("there is no asset %q", name)
	}
	return "/assets/" + f.hash + "/" + name, nil
}

// serveAsset answers for any hash, so that the pages of a node of another
// version find their style here, too; only under its own hash may a file be
// kept.
func (s *Site) serveAsset(w http.ResponseWriter, r *http.Request) error {
	f, ok := s.assets[r.PathValue("name")]
	if !ok || f.body == nil {
		return &Error{Status: http.StatusNotFound, Message: NotFound, Err: errors.New("there is no such asset")}
	}
	h := w.Header()
	h.Set("Content-Type", f.mediaType)
	h.Set("Cache-Control", "no-cache")
	if r.PathValue("hash") == f.hash {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	body := f.body
	if gzipped := f.gzipped(); gzipped != nil {
		h.Set("Vary", "Accept-Encoding")
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			h.Set("Content-Encoding", "gzip")
			body = gzipped
		}
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, err := w.Write(body)
	return err
}
