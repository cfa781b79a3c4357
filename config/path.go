package config

import (
	"strconv"
	"strings"
)

// A path names a key or an element of a list, as in oidc.redirect_uris[0].

// join returns the path of a key.
func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// indexed is the path of an element of a list.
func indexed(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// parent returns the path that path is in: oidc.redirect_uris[0] is in
// oidc.redirect_uris, which is in oidc.
func parent(path string) string {
	return path[:max(strings.LastIndexAny(path, ".["), 0)]
}

// leaf returns the last key of path: redirect_uris[0]. Keys that are addresses
// or hold a slash may hold dots after it.
func leaf(path string) string {
	keys, _, _ := strings.Cut(path, "/")
	return path[strings.LastIndex(keys, ".")+1:]
}
