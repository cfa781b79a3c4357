// A resident in a real browser, by way of SAML: from a legacy app by the choice
// page and a simulated SAML provider back to the app, on to an OpenID app
// without a question, and out of both; and out while the legacy app does not
// answer. argv: the two apps, broker, folder for screenshots ("" for none),
// width of the window, "noscript" to switch JavaScript off.
import assert from 'node:assert/strict'
import { browse } from './chromium.mjs'

const [planning, tax, broker, shots, width, script] = process.argv.slice(2)

await browse({ shots, width, script }, async ({ page, look, press, arrive, cut }) => {
  async function signInEverywhere() {
    await page.goto(planning)
    await page.click('#sign-in')
    assert.match(await page.textContent('h1'), /Choose how to sign in/)
    await page.click('#idp-partners')
    await page.click('#persona-full-record')
    await arrive('#name')
    assert.ok(page.url().startsWith(planning))
    assert.equal(await page.textContent('#name'), 'Alice Jane Morgan')
    const subject = await page.textContent('#sub')
    await page.goto(`${tax}/sign-in`) // single sign-on asks nothing
    assert.equal(await page.textContent('#name'), 'Alice Jane Morgan')
    assert.notEqual(await page.textContent('#sub'), subject)
  }

  // The page that hands the response to the app is gone before anybody sees it,
  // unless its script does not come.
  await page.route('**/post.js', (route) => route.abort())
  await page.goto(`${planning}/sign-in`)
  await page.click('#idp-partners')
  await page.click('#persona-full-record')
  await arrive('#continue')
  await look('saml-post')
  await page.click('#continue')
  await arrive('#name')
  await page.unroute('**/post.js')
  await page.goto(`${broker}/sign-out`)
  await press(page.locator('#confirm-sign-out'))
  await arrive('h1:has-text("signed out")')

  await signInEverywhere()
  await page.click('#sign-out')
  await arrive('#sign-in')
  assert.ok(page.url().startsWith(tax))
  await page.goto(planning)
  assert.ok(await page.isVisible('#sign-in'), 'the legacy app still knows the resident')

  // The legacy app does not answer: whoever comes back is led past it, and told.
  await signInEverywhere()
  await cut(`${planning}/saml/slo`)
  await page.click('#sign-out')
  await page.waitForURL('chrome-error://**')
  await page.goto(`${broker}/sign-out`)
  await page.click('#confirm-sign-out')
  await arrive('#back')
  assert.match(await page.textContent('h1'), /not everywhere/)
  assert.match(await page.textContent('main'), /Planning/)
  await look('receipt')
  await page.click('#back')
  await arrive('#sign-in')
  assert.ok(page.url().startsWith(tax))
})
console.log('from a legacy app to a SAML provider and back, and out: all well')
