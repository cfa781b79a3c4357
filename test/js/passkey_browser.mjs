// A resident who has no account anywhere, in a real browser: from an app by a
// code that is sent by e-mail, with a passkey from then on. argv: app, where
// codes can be read, broker, folder for screenshots ("" for none), width of the
// window, "noscript" to switch JavaScript off.
import assert from 'node:assert/strict'
import { browse } from './chromium.mjs'

const [app, mailbox, broker, shots, width, script] = process.argv.slice(2)
const scripted = script !== 'noscript'

const codeFor = async (address) => (await fetch(`${mailbox}?to=${address}`)).text()

await browse({ shots, width, script }, async ({ page, look, press }) => {
  const devices = await page.context().newCDPSession(page)
  await devices.send('WebAuthn.enable')
  const { authenticatorId } = await devices.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2', transport: 'internal', hasResidentKey: true, hasUserVerification: true, isUserVerified: true,
      automaticPresenceSimulation: true, defaultBackupEligibility: true, defaultBackupState: true,
    },
  })
  const passkeys = async () => (await devices.send('WebAuthn.getCredentials', { authenticatorId })).credentials.length

  const title = () => page.textContent('h1')
  const atApp = async () => {
    await page.waitForSelector('#sub')
    return { sub: await page.textContent('#sub'), acr: await page.textContent('#acr') }
  }
  async function comeFrom(app) {
    await page.goto(app)
    assert.match(await title(), /Choose how to sign in/)
    await page.click('#idp-email')
    assert.match(await title(), /Sign in with Strathmore Council/)
  }
  async function showAddress(address) {
    await page.fill('input[name=address]', address)
    await press(page.locator('#send'))
    await page.fill('input[name=code]', await codeFor(address))
    await press(page.locator('#check'))
  }
  async function leave() {
    await page.goto(`${broker}/sign-out`)
    await press(page.locator('#confirm-sign-out'))
  }

  // The code, with all that can go wrong.
  await comeFrom(app)
  await look('council-sign-in')
  for (const lang of ['cy', 'gd', 'en']) {
    await page.click(`a[hreflang="${lang}"]`)
    await look(`council-sign-in-${lang}`)
  }
  assert.equal(await page.isVisible('#use-passkey'), scripted)
  assert.ok(!await page.isVisible('#passkey-failed'))
  await page.fill('input[name=address]', 'jo at example.org')
  await press(page.locator('#send'))
  assert.match(await page.title(), /^Error:/)
  await look('council-sign-in-problem')
  await page.fill('input[name=address]', 'jo@example.org')
  await press(page.locator('#send'))
  assert.match(await page.textContent('main'), /jo@example.org/)
  await look('council-code')
  await page.fill('input[name=code]', '1')
  await press(page.locator('#check'))
  assert.match(await page.title(), /^Error:/)
  await look('council-code-problem')
  await page.fill('input[name=code]', await codeFor('jo@example.org'))
  await press(page.locator('#check'))

  // A passkey is offered; whoever wants none goes on.
  assert.match(await title(), /Sign in faster next time/)
  await look('council-passkey')
  for (const lang of ['cy', 'gd', 'en']) {
    await page.click(`a[hreflang="${lang}"]`)
    await look(`council-passkey-${lang}`)
  }
  await press(page.locator(scripted ? '#make-passkey' : '#later'))
  const first = await atApp()
  assert.equal(first.acr, 'urn:x-council:acr:cl')
  assert.equal(await passkeys(), scripted ? 1 : 0)
  await leave()

  if (!scripted) {
    await comeFrom(app)
    await showAddress('jo@example.org')
    assert.deepEqual(await atApp(), first)

    // The account page needs no script, but for passkeys.
    await page.goto(`${broker}/council/email/account`)
    await showAddress('jo@example.org')
    assert.match(await title(), /How you sign in/)
    await look('council-account')
    await page.click('#move')
    await page.fill('input[name=address]', 'jo.new@example.org')
    await press(page.locator('#send'))
    await page.fill('input[name=code]', await codeFor('jo.new@example.org'))
    await press(page.locator('#check'))
    assert.equal(await page.textContent('#address'), 'jo.new@example.org')
    return
  }

  // The passkey alone: two factors, and nothing to phish.
  await comeFrom(app)
  await press(page.locator('#use-passkey'))
  assert.deepEqual(await atApp(), { sub: first.sub, acr: 'urn:x-council:acr:cm-phr' })

  // Another site cannot ask for it.
  const stolen = await page.evaluate(() => navigator.credentials.get({ publicKey: { challenge: new Uint8Array(32), rpId: 'localhost' } }).catch((e) => e.name))
  assert.equal(stolen, 'SecurityError')
  await leave()

  // A device that does not know its user gives nothing.
  await devices.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: false })
  await comeFrom(app)
  await page.click('#use-passkey')
  await page.waitForSelector('#passkey-failed:visible')
  await look('council-passkey-failed')
  await devices.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: true })

  // Somebody new at a service that needs two factors: a code is not enough, but
  // it leads to a passkey, and that is.
  await comeFrom(`${app}?acr_values=urn:x-council:acr:cm`)
  await look('council-sign-in-strong')
  await showAddress('al@example.org')
  assert.match(await page.textContent('main'), /you need a passkey/)
  await look('council-passkey-needed')
  await press(page.locator('#make-passkey'))
  await page.waitForSelector('#saved')
  await look('council-saved')
  await press(page.locator('#use-passkey'))
  assert.equal((await atApp()).acr, 'urn:x-council:acr:cm') // as much as was asked

  // How somebody signs in is changed after a sign-in for that alone.
  await page.goto(`${broker}/council/email/account`)
  await press(page.locator('#use-passkey'))
  assert.match(await title(), /How you sign in/)
  await look('council-account')
  await page.click('#move')
  await look('council-move')
  await page.fill('input[name=address]', 'al')
  await press(page.locator('#send'))
  await look('council-move-problem')
  await page.click('#back')
  await page.click('#set-password')
  await look('council-new-password')
  await page.fill('#answer', 'password')
  await press(page.locator('#save-password'))
  assert.match(await page.title(), /^Error:/)
  await look('council-new-password-problem')
  await page.fill('#answer', 'kettle marble ostrich')
  await page.fill('#again', 'kettle marble ostrich')
  await press(page.locator('#save-password'))
  assert.match(await page.textContent('#done'), /password is set/)
  await look('council-account-done')
  for (const lang of ['cy', 'gd', 'en']) {
    await page.click(`a[hreflang="${lang}"]`)
    await look(`council-account-${lang}`)
  }
  await press(page.locator('#leave'))
  await leave()

  // A password, and what to do without one.
  await comeFrom(app)
  await page.click('#use-password')
  await look('council-password')
  await page.fill('#address', 'al@example.org')
  await page.fill('#answer', 'kettle marble walrus')
  await press(page.locator('#check-password'))
  assert.match(await page.title(), /^Error:/)
  await look('council-password-problem')
  await page.click('#help')
  await look('council-help')
  for (const lang of ['cy', 'gd', 'en']) {
    await page.click(`a[hreflang="${lang}"]`)
    await look(`council-help-${lang}`)
  }
  await page.click('#recover')
  await page.fill('#answer', 'al@example.org')
  await press(page.locator('#check'))
  assert.match(await page.title(), /^Error:/)
  await look('council-recover-problem')

  // By a code, who has a passkey changes nothing.
  await page.goto(`${broker}/council/email/account`)
  await showAddress('al@example.org')
  assert.ok(await page.isVisible('#may-not'))
  await look('council-account-may-not')
})
console.log('by e-mail, by passkey, and back: all well')
