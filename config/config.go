// Package config reads the folder that an operator writes:
//
//	broker.yaml          the broker itself: its address, its stores, its look
//	connectors/*.yaml    one upstream identity provider each
//	apps/*.yaml          one council application each
//
// The comments on the fields below are the manual: each says what the key
// means, its default, its unit, and an example. The name of a file under
// connectors or apps, without .yaml, is the id of what it describes.
//
// [Load] reports every mistake of the folder in one run, each with file, line
// and column. Unknown keys are mistakes. Defaults are the safe choice; a key
// that loosens security starts with insecure_ and is named in a warning.
// Secrets are never written in the YAML itself, only where to find them:
// env:NAME or file:PATH. Names of files are relative to the folder.
package config

import "time"

// Config is a whole folder, loaded and found sound.
type Config struct {
	Dir        string      // the folder it was read from; names of files below are joined with it
	Broker     Broker      // broker.yaml
	Connectors []Connector // connectors/*.yaml in the order of Connector.Order, then of their ids
	Apps       []App       // apps/*.yaml in the order of their ids
	Warnings   Problems    // what is allowed but risky
}

// Broker is broker.yaml.
type Broker struct {
	// Issuer is the address of the broker as browsers and apps see it: the
	// issuer of its ID tokens (OpenID Connect Discovery 1.0 §3). Required;
	// https, no path, query or fragment. http is accepted for loopback
	// addresses only.
	// Example: https://login.example.gov.uk
	Issuer string `yaml:"issuer"`

	// Listen is the address that residents and apps are served on.
	// Default: :8443. Example: 0.0.0.0:443
	Listen string `yaml:"listen,omitempty"`

	// Admin is the address of the operators' listener: /metrics, /healthz,
	// /readyz and pprof. It has no authentication of its own: keep it on
	// loopback or on a management network. Default: 127.0.0.1:9443.
	Admin string `yaml:"admin,omitempty"`

	// TLS makes the broker serve https itself. Leave it out behind a proxy
	// that ends TLS, and name that proxy in proxies.
	TLS *TLS `yaml:"tls,omitempty"`

	// Proxies are the addresses or networks of reverse proxies whose
	// X-Forwarded-For is believed. Default: none.
	// Example: [10.1.0.0/16, 127.0.0.1]
	Proxies []string `yaml:"proxies,omitempty"`

	// DataDir holds the embedded stores and the generated master key, where
	// redis, database or master_key are not given. Default: data, beside
	// broker.yaml.
	DataDir string `yaml:"data_dir,omitempty"`

	// Redis is where session state is kept. Default: embedded in the
	// process, which serves one node and forgets sign-ins at a restart.
	Redis *Redis `yaml:"redis,omitempty"`

	// Database is where accounts are kept. Default: SQLite in data_dir.
	Database *Database `yaml:"database,omitempty"`

	// MasterKey encrypts the signing keys in the database: 32 bytes, as 64
	// hexadecimal digits or in base64. Required when database.postgres is
	// set, and the same on every node. Default: a file generated in data_dir.
	// Example: env:COUNCILID_MASTER_KEY
	MasterKey Secret `yaml:"master_key,omitempty"`

	// Look is what residents see of the council on every page.
	Look Look `yaml:"look,omitempty"`

	// Session says how long a resident stays signed in.
	Session Session `yaml:"session,omitempty"`

	// Contexts are the names by which apps ask for levels of assurance and are
	// told of them, weakest first: the last one that a sign-in fulfils is its acr
	// and its SAML authentication context. Default: urn:x-council:acr:cl,
	// urn:x-council:acr:cm, urn:x-council:acr:cm-phr, urn:x-council:acr:ch,
	// urn:x-council:acr:p1.cm, urn:x-council:acr:p2.cm and
	// urn:x-council:acr:p3.cm.
	Contexts []Context `yaml:"contexts,omitempty"`

	// Claims says whose word wins where several ways in say different things of
	// one person, by what they say: name (with its parts), birthdate, gender,
	// address, email, phone_number, nickname, locale, or a claim of the council's
	// own. Default: see prefer.
	// Example: {name: {prefer: [one-login]}, address: {prefer: [scotaccount], fresh: 8760h}}
	Claims map[string]Preference `yaml:"claims,omitempty"`

	// Residents is what residents may do with their account by themselves.
	Residents Residents `yaml:"residents,omitempty"`

	// Services are tiles on residents' home page beside those of the apps.
	// Default: none.
	Services []Service `yaml:"services,omitempty"`

	// Retention is how long records are kept.
	Retention Retention `yaml:"retention,omitempty"`

	// Mail is how the broker sends e-mail. Required by council connectors.
	Mail *Mail `yaml:"mail,omitempty"`

	// SAML is the broker's part as a SAML identity provider.
	SAML IdentityProvider `yaml:"saml,omitempty"`

	// Limits bound how often one address or one app may call.
	Limits Limits `yaml:"limits,omitempty"`

	// Keys says how signing keys are renewed.
	Keys Keys `yaml:"keys,omitempty"`

	// Log says how the broker reports what it does.
	Log Log `yaml:"log,omitempty"`

	// Telemetry sends OpenTelemetry traces. Default: none are made.
	Telemetry *Telemetry `yaml:"telemetry,omitempty"`
}

// TLS names a certificate and its key, both PEM files.
type TLS struct {
	// Cert is the file of the certificate chain. Example: tls/cert.pem
	Cert string `yaml:"cert"`
	// Key is the file of the private key. Example: tls/key.pem
	Key string `yaml:"key"`
}

// Redis is a Redis 7 or later: one server, Sentinel or Cluster.
type Redis struct {
	// Addresses are host:port of the server, of the sentinels, or of some of
	// the cluster's nodes. Required. Example: [redis.internal:6379]
	Addresses []string `yaml:"addresses"`
	// Mode is single, sentinel or cluster. Default: single.
	Mode string `yaml:"mode,omitempty" jsonschema:"enum=single,enum=sentinel,enum=cluster"`
	// Master is the name of the master that the sentinels watch. Required in
	// mode sentinel. Example: councilid
	Master string `yaml:"master,omitempty"`
	// Username for Redis ACLs. Default: none.
	Username string `yaml:"username,omitempty"`
	// Password of the servers. Example: env:REDIS_PASSWORD
	Password Secret `yaml:"password,omitempty"`
	// SentinelPassword of the sentinels, where it differs.
	SentinelPassword Secret `yaml:"sentinel_password,omitempty"`
	// Database is the number of the logical database. Default: 0, the only
	// one in mode cluster.
	Database int `yaml:"database,omitempty"`
	// TLS turns on TLS to the servers. Default: none.
	TLS *ClientTLS `yaml:"tls,omitempty"`
}

// ClientTLS is TLS towards a server of the council's own.
type ClientTLS struct {
	// CA is a PEM file of the authorities to trust. Default: the system's.
	CA string `yaml:"ca,omitempty"`
	// Cert is a PEM file with a client certificate, where the server asks for
	// one.
	Cert string `yaml:"cert,omitempty"`
	// Key is the PEM file of the private key of Cert.
	Key string `yaml:"key,omitempty"`
}

// Database is a PostgreSQL 14 or later, or an SQLite file. Exactly one is set.
type Database struct {
	// Postgres is a connection string. Example: env:DATABASE_URL holding
	// postgres://councilid:…@db.internal/councilid?sslmode=verify-full
	Postgres Secret `yaml:"postgres,omitempty"`
	// SQLite is a file. Example: /var/lib/councilid/councilid.db
	SQLite string `yaml:"sqlite,omitempty"`
}

// Look is the council's own face on the pages.
type Look struct {
	// Council is the council's name. Default: Council sign-in.
	// Example: Strathmore Council
	Council string `yaml:"council,omitempty"`
	// Colour is the brand colour of the header, as #rrggbb; white text on it
	// must reach a contrast of 4.5 to 1. Default: #1d4f7c.
	Colour string `yaml:"colour,omitempty"`
	// Logo is an SVG or PNG file shown beside the name. Default: none.
	Logo string `yaml:"logo,omitempty"`
	// Languages are the languages offered, first the default: en, cy, gd.
	// Default: [en, cy, gd].
	Languages []string `yaml:"languages,omitempty" jsonschema:"enum=en,enum=cy,enum=gd"`
	// Help is a link in the footer. Default: left out.
	// Example: https://www.example.gov.uk/help
	Help string `yaml:"help,omitempty"`
	// Privacy is the link to the privacy notice. Default: left out.
	Privacy string `yaml:"privacy,omitempty"`
	// Accessibility is the link to the accessibility statement. Default: left
	// out.
	Accessibility string `yaml:"accessibility,omitempty"`
}

// Session is how long one browser stays signed in at the broker.
type Session struct {
	// Idle ends a session that has not been used for so long. Default: 1h.
	Idle time.Duration `yaml:"idle,omitempty"`
	// Lifetime ends every session after so long. Default: 12h.
	Lifetime time.Duration `yaml:"lifetime,omitempty"`
}

// IdentityProvider is the broker towards SAML apps.
type IdentityProvider struct {
	// EntityID is the broker's name. Default: ISSUER/saml/metadata, where its
	// metadata is. Example: urn:example:council:idp
	EntityID string `yaml:"entity_id,omitempty"`
	// Scopes are the domains that scoped attributes, such as
	// eduPersonPrincipalName, may end in. Shibboleth drops others.
	// Default: the issuer's host. Example: [strathmore.gov.uk]
	Scopes []string `yaml:"scopes,omitempty"`
	// Contact is an e-mail address in the metadata, for the apps' operators.
	// Default: left out. Example: identity@strathmore.gov.uk
	Contact string `yaml:"contact,omitempty"`
}

// Limits are calls in a minute, which begins with the first of them.
type Limits struct {
	// Address bounds sign-in steps from one client address, IPv6 by /64.
	// Generous, as a library's computers share one. Default: 600.
	Address int `yaml:"address,omitempty"`
	// App bounds token, introspection and revocation calls of one app.
	// Default: 6000.
	App int `yaml:"app,omitempty"`
}

// Keys is the renewal of signing keys.
type Keys struct {
	// Rotate is the age at which a key for tokens is replaced. The new one is
	// published a day before it signs and the old one stays published for a day
	// after, so that no app sees an unknown key. Default: 2160h (90 days).
	Rotate time.Duration `yaml:"rotate,omitempty"`
	// SAMLLead is how long a new key for SAML is published before it signs, and
	// an old one after it stopped: the time that apps and providers have to take
	// the new certificate from our metadata. SAML keys are renewed by councilid
	// keys rotate SAML alone. Default: 336h (14 days); at least 24h.
	SAMLLead time.Duration `yaml:"saml_lead,omitempty"`
}

// Log is how the broker reports what it does.
type Log struct {
	// Format is json or text. Default: text on a terminal, else json.
	Format string `yaml:"format,omitempty" jsonschema:"enum=json,enum=text"`
	// Level is debug, info, warn or error. Default: info.
	Level string `yaml:"level,omitempty" jsonschema:"enum=debug,enum=info,enum=warn,enum=error"`
}

// Telemetry is where OpenTelemetry traces go.
type Telemetry struct {
	// OTLP is the address of a collector speaking OTLP over HTTP. What it asks
	// for besides, such as an API key, is read from the environment variable
	// OTEL_EXPORTER_OTLP_HEADERS: name=value,name=value with values
	// percent-encoded. Example: http://collector.internal:4318
	OTLP string `yaml:"otlp"`
	// Sample is the share of requests traced, from 0 to 1. Default: 0.01.
	Sample float64 `yaml:"sample,omitempty"`
}

// Mail is a server that e-mail is handed to.
type Mail struct {
	// SMTP is host:port of the server, or terminal: mails are printed there,
	// for trying things out. Required. Example: smtp.internal:587
	SMTP string `yaml:"smtp"`
	// TLS is starttls, implicit (from the first byte, port 465) or none, for a
	// server on the same machine. Default: starttls.
	TLS string `yaml:"tls,omitempty" jsonschema:"enum=starttls,enum=implicit,enum=none"`
	// Username at the server. Default: none.
	Username string `yaml:"username,omitempty"`
	// Password of Username. Example: env:SMTP_PASSWORD
	Password Secret `yaml:"password,omitempty"`
	// From is the sender. Required. Example: Strathmore Council <no-reply@strathmore.gov.uk>
	From string `yaml:"from"`
}
