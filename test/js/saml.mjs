// A council app behind @node-saml/node-saml: a page for whoever is signed in,
// and sign-out. argv: the folder with key.pem, certificate.pem and remote.xml,
// the identity provider's metadata; the address to listen at, host:port.
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import { join } from 'node:path'
import { SAML, ValidateInResponseTo } from '@node-saml/node-saml'

const [folder, address] = process.argv.slice(2)
const base = `http://${address}`
const read = (name) => readFileSync(join(folder, name), 'utf8')
const metadata = read('remote.xml')

// endpoint is the first one of a service that the metadata names.
function endpoint(service) {
  const tag = metadata.match(new RegExp(`<(?:\\w+:)?${service}\\b[^>]*>`))?.[0] ?? ''
  const attribute = (name) => tag.match(new RegExp(`\\b${name}="([^"]*)"`))?.[1].replaceAll('&amp;', '&')
  return { location: attribute('Location'), post: attribute('Binding')?.endsWith('HTTP-POST') }
}

const sso = endpoint('SingleSignOnService')
const settings = {
  issuer: `${base}/sp`,
  callbackUrl: `${base}/acs`,
  entryPoint: sso.location,
  logoutUrl: endpoint('SingleLogoutService').location,
  logoutCallbackUrl: `${base}/slo`,
  idpIssuer: metadata.match(/entityID="([^"]*)"/)[1],
  idpCert: [...metadata.matchAll(/<(?:\w+:)?X509Certificate[^>]*>([^<]*)</g)].map((found) => found[1].replace(/\s/g, '')),
  privateKey: read('key.pem'),
  decryptionPvk: read('key.pem'),
  signatureAlgorithm: 'sha256',
  digestAlgorithm: 'sha256',
  identifierFormat: null,
  wantAuthnResponseSigned: false, // one signature is enough: one there must be
  wantAssertionsSigned: false,
  validateInResponseTo: ValidateInResponseTo.ifPresent,
  acceptedClockSkewMs: 0,
}
const saml = new SAML(settings)
// With compression it would deflate what is posted, too, which the HTTP POST
// binding does not know.
const posting = new SAML({ ...settings, skipRequestCompression: true, cacheProvider: saml.cacheProvider })
const quietly = new SAML({ ...settings, passive: true, cacheProvider: saml.cacheProvider })
const insisting = new SAML({ ...settings, forceAuthn: true, cacheProvider: saml.cacheProvider })
const sessions = new Map()

const pages = {
  async '/page'(request, answer) {
    const profile = sessions.get(request.cookie)
    if (profile) {
      const first = (...names) => names.map((name) => profile.attributes?.[name]).find(Boolean) ?? ''
      const name = first('name', 'displayName', 'urn:oid:2.16.840.1.113730.3.1.241')
      const email = first('email', 'mail', 'urn:oid:0.9.2342.19200300.100.1.3')
      return answer.text(`subject=${profile.nameID}\nname=${name}\nemail=${email}\n`)
    }
    if (request.query.has('passive')) return answer.leave(await quietly.getAuthorizeUrlAsync('page', '', {}))
    if (sso.post) return answer.html(await posting.getAuthorizeFormAsync('page', '', {}))
    answer.leave(await saml.getAuthorizeUrlAsync('page', '', {}))
  },
  async '/force'(request, answer) { answer.leave(await insisting.getAuthorizeUrlAsync('page', '', {})) },
  async '/acs'(request, answer) {
    const { profile } = await saml.validatePostResponseAsync(Object.fromEntries(request.form))
    if (!profile) return answer.text('nobody is signed in\n', 403)
    const session = randomUUID()
    sessions.set(session, profile)
    answer.setHeader('Set-Cookie', `node-saml=${session}; HttpOnly; SameSite=Lax; Path=/`)
    answer.leave('/page')
  },
  async '/sign-out'(request, answer) {
    const profile = sessions.get(request.cookie)
    sessions.delete(request.cookie)
    answer.leave(profile ? await saml.getLogoutUrlAsync(profile, '', {}) : '/bye')
  },
  async '/slo'(request, answer) {
    const message = request.form ?? request.query
    const told = Object.fromEntries(message)
    let result
    if (!request.form) result = await saml.validateRedirectAsync(told, request.url.split('?')[1])
    else if (message.has('SAMLRequest')) result = await saml.validatePostRequestAsync(told)
    else result = await saml.validatePostResponseAsync(told)
    if (message.has('SAMLResponse')) return answer.leave('/bye')
    const { profile } = result
    for (const [session, { nameID, sessionIndex }] of sessions) {
      if (nameID === profile.nameID && sessionIndex === profile.sessionIndex) sessions.delete(session)
    }
    answer.leave(await saml.getLogoutResponseUrlAsync(profile, told.RelayState ?? '', {}, true))
  },
  async '/bye'(request, answer) { answer.text('bye\n') },
  async '/metadata'(request, answer) {
    // It takes logout messages by redirect as well, but does not say so.
    const certificate = read('certificate.pem')
    const document = saml.generateServiceProviderMetadata(certificate, certificate)
    answer.text(document.replace(/<SingleLogoutService[^>]*>/, (tag) => tag + tag.replace('HTTP-POST', 'HTTP-Redirect')))
  },
}

class Answer extends http.ServerResponse {
  send(type, body, status = 200) { this.writeHead(status, { 'Content-Type': type }).end(body) }
  text(body, status) { this.send('text/plain', body, status) }
  html(body) { this.send('text/html', body) }
  leave(to) { this.writeHead(303, { Location: to }).end() }
}

const server = http.createServer({ ServerResponse: Answer }, async (request, answer) => {
  const { pathname, searchParams } = new URL(request.url, base)
  request.query = searchParams
  request.cookie = request.headers.cookie?.match(/\bnode-saml=([^;]*)/)?.[1]
  try {
    if (request.method === 'POST') {
      const chunks = await request.toArray()
      request.form = new URLSearchParams(Buffer.concat(chunks).toString())
    }
    await (pages[pathname] ?? (() => answer.text('not here\n', 404)))(request, answer)
  } catch (err) {
    console.error(pathname, err)
    answer.text(`${err.message}\n`, 403)
  }
})
server.keepAliveTimeout = 600_000 // no connection closes while a browser is about to use it
server.listen(Number(address.split(':')[1]), address.split(':')[0])
