// An app's side of OpenID Connect with openid-client: code flow with PKCE,
// userinfo, refresh, introspection, revocation and sign-out, against a running
// broker. argv: issuer, client id, client secret, redirect URI, post-logout
// redirect URI. The provider behind the broker is a simulator; the header
// Simulator-Persona chooses who signs in there.
import assert from 'node:assert/strict'
import { webcrypto } from 'node:crypto'
import http from 'node:http'
import * as client from 'openid-client'

globalThis.crypto ??= webcrypto // Node.js 18, which Debian 12 has

const [issuer, id, secret, redirectURI, postLogoutRedirectURI] = process.argv.slice(2)

const config = await client.discovery(new URL(issuer), id, { client_secret: secret, id_token_signed_response_alg: 'ES256' },
  client.ClientSecretBasic(secret), { execute: [client.allowInsecureRequests] })

// get asks as a browser does: it follows nothing.
function get(address, headers) {
  return new Promise((resolve, reject) => {
    http.get(address, { headers }, (answer) => {
      let body = ''
      answer.on('data', (chunk) => { body += chunk })
      answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, body }))
    }).on('error', reject)
  })
}

// browse follows redirects until one leads to the app.
const jar = new Map()
async function browse(address) {
  for (let i = 0; i < 12; i++) {
    const cookies = jar.get(address.origin) ?? jar.set(address.origin, new Map()).get(address.origin)
    const answer = await get(address, {
      'Simulator-Persona': 'full-record',
      cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; '),
    })
    for (const line of answer.headers['set-cookie'] ?? []) {
      const [name, value] = line.split(';')[0].split('=')
      cookies.set(name, value)
    }
    const to = answer.headers.location
    if (!to) throw new Error(`${answer.status} at ${address.pathname}: ${answer.body}`)
    address = new URL(to, address)
    if (address.href.startsWith(redirectURI) || address.href.startsWith(postLogoutRedirectURI)) return address
  }
  throw new Error('more than twelve redirects')
}

const verifier = client.randomPKCECodeVerifier()
const state = client.randomState()
const nonce = client.randomNonce()
const back = await browse(client.buildAuthorizationUrl(config, {
  redirect_uri: redirectURI,
  scope: 'openid profile email offline_access',
  code_challenge: await client.calculatePKCECodeChallenge(verifier),
  code_challenge_method: 'S256',
  state,
  nonce,
  connector_hint: 'google',
}))

const tokens = await client.authorizationCodeGrant(config, back,
  { pkceCodeVerifier: verifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true })
const { sub, sid } = tokens.claims()
assert.ok(sub && sid)

const person = await client.fetchUserInfo(config, tokens.access_token, sub)
assert.equal(person.name, 'Alice Jane Morgan')

const renewed = await client.refreshTokenGrant(config, tokens.refresh_token)
assert.equal(renewed.claims().sub, sub)
assert.notEqual(renewed.access_token, tokens.access_token)
await client.fetchUserInfo(config, renewed.access_token, sub)

assert.equal((await client.tokenIntrospection(config, renewed.access_token)).active, true)
await client.tokenRevocation(config, renewed.access_token)
assert.equal((await client.tokenIntrospection(config, renewed.access_token)).active, false)

const signedOut = await browse(client.buildEndSessionUrl(config,
  { id_token_hint: renewed.id_token, post_logout_redirect_uri: postLogoutRedirectURI, state: 'bye' }))
assert.equal(signedOut.searchParams.get('state'), 'bye')

const silent = await browse(client.buildAuthorizationUrl(config,
  { redirect_uri: redirectURI, scope: 'openid', prompt: 'none', state, nonce }))
assert.equal(silent.searchParams.get('error'), 'login_required')

console.log('code+PKCE, userinfo, refresh, introspection, revocation, sign-out: all well')
