package config

import (
	"reflect"
	"strings"

	"github.com/councilid/councilid/mapping"
)

// nearest returns the candidate that was probably meant by word, or "".
func nearest(word string, candidates []string) string {
	best, least := "", 1+len(word)/4
	for _, c := range candidates {
		d := mapping.Slips(plain(word), plain(c))
		if d > least && (len(word) < 3 || !strings.HasPrefix(plain(c), plain(word))) {
			continue
		}
		if best == "" || d < least {
			best, least = c, d
		}
	}
	return best
}

// plain makes redirectUris and Redirect-URIs equal to redirect_uris.
func plain(s string) string {
	return strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(s))
}

// elsewhere returns the path of key in a block below struct type t, for keys
// that were written at the wrong level; "" where there is none.
func elsewhere(key string, t reflect.Type) string {
	for _, f := range fieldsOf(t) {
		block := f.Type
		if block.Kind() == reflect.Pointer {
			block = block.Elem()
		}
		if block.Kind() != reflect.Struct || block == reflect.TypeFor[Secret]() {
			continue
		}
		for _, inner := range fieldsOf(block) {
			if inner.key == key {
				return f.key + "." + key
			}
		}
	}
	return ""
}

// or lists choices: single, sentinel or cluster.
func or(choices []string) string {
	last := len(choices) - 1
	if last < 1 {
		return strings.Join(choices, "")
	}
	return strings.Join(choices[:last], ", ") + " or " + choices[last]
}
