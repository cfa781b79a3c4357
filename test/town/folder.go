package town

// folder is the operator's folder of every town.
var folder = map[string]string{
	"secret": Secret,

	"broker.yaml": `
issuer: {{issuer}}
look: {council: Strathmore Council}
limits: {address: 1000000, app: 1000000}
`,

	"connectors/google.yaml": `
preset: google
client_id: town
client_secret: file:secret
insecure_base_url: {{google}}
`,
	"connectors/facebook.yaml": `
preset: facebook
client_id: town
client_secret: file:secret
insecure_base_url: {{facebook}}
`,
	"connectors/microsoft.yaml": `
preset: microsoft
client_id: town
client_secret: file:secret
oidc:
  tenants: [9188040d-6c67-4c5b-b112-36a304b66dad]
insecure_base_url: {{microsoft}}
`,
	"connectors/github.yaml": `
preset: github
client_id: town
client_secret: file:secret
insecure_base_url: {{github}}
`,
	"connectors/works.yaml": `
label: Staff account
client_id: town
client_secret: file:secret
domains: [strathmore.example]
oidc:
  issuer: {{works}}
claims:
  name: claims.name
  given_name: claims.given_name
  family_name: claims.family_name
  birthdate: claims.birthdate
  email: claims.email
  address: claims.address
trust:
  verified: [name, birthdate]
  email: {policy: claim}
`,

	// Staff of neighbouring councils, by SAML.
	"connectors/adfs.yaml": `
preset: adfs
saml:
  metadata: {url: "{{adfs}}/metadata", entity_id: "{{adfs}}/metadata"}
`,

	// A confidential client that may see much.
	"apps/tax.yaml": `
label: Council tax
oidc:
  client_secret: file:secret
  redirect_uris: ["{{app}}/tax/callback", "{{app}}/tax/callback?a=b"]
  post_logout_redirect_uris: ["{{app}}/tax/bye"]
  id_token_signed_response_alg: ES256
  refresh: true
sector: tax
release: [sub, name, given_name, family_name, email, email_verified, birthdate, address]
`,
	// A public client that may see little, and whose residents use three
	// providers only.
	"apps/library.yaml": `
label: Library
connectors: [google, facebook, works]
oidc:
  redirect_uris: ["{{app}}/library/callback"]
  post_logout_redirect_uris: ["{{app}}/library/bye"]
sector: library
release: [sub, name]
`,
	// Staff only: one connector, so there is nothing to choose.
	"apps/rota.yaml": `
label: Staff rota
connectors: [works]
oidc:
  client_secret: file:secret
  client_auth: client_secret_post
  redirect_uris: ["{{app}}/rota/callback"]
sector: tax
release: [sub, name, email]
`,

	// Legacy apps, which speak SAML. One knows residents by the subjects of
	// council tax.
	"apps/planning.yaml": `
label: Planning
saml:
  metadata: {file: planning.xml}
  start: true
sector: tax
release: [name, email]
`,
	"apps/parking.yaml": `
label: Parking
saml:
  metadata: {file: parking.xml}
sector: parking
release: [name]
`,
}
