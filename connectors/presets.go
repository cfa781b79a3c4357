package connectors

import (
	"embed"
	"io/fs"
)

//go:embed presets/*.yaml
var presetFiles embed.FS

// Presets returns the presets as files NAME.yaml, in the schema of
// config.Connector.
func Presets() fs.FS {
	presets, err := fs.Sub(presetFiles, "presets")
	if err != nil {
		panic(err) // the directory is part of the program
	}
	return presets
}
