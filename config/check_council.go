package config

// council checks the council's own way in.
func (r report) council(c *Connector) {
	for _, key := range []string{"client_id", "client_secret"} {
		if r.own.has(key) {
			r.wrong(key, "is not used by council: the broker is the provider")
		}
	}
}
