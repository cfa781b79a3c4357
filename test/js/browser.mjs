// A resident in a real browser: from a council app by the choice page and a
// simulated Google back to the app, and out again. Every page of the broker on
// the way is checked with axe-core. argv: two apps, broker, folder for screenshots
// ("" for none), width of the window,
// "noscript" to switch JavaScript off.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

const [app, library, broker, shots, width, script] = process.argv.slice(2)
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'],
})
try {
  const context = await browser.newContext({
    viewport: { width: Number(width), height: 900 }, javaScriptEnabled: script !== 'noscript', bypassCSP: true, locale: 'en-GB',
  })
  const page = await context.newPage()

  // look checks the page that is shown: no violation of WCAG 2.2 AA that axe
  // can find, and nothing wider than the window.
  async function look(name) {
    if (shots) await page.screenshot({ path: join(shots, `${name}-${width}${script === 'noscript' ? '-noscript' : ''}.png`), fullPage: true })
    if (script === 'noscript') return
    await page.evaluate(axe)
    const { violations } = await page.evaluate(() => window.axe.run(document, {
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    }))
    assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target).join(', ')}`), [], name)
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), `${name} is wider than the window`)
  }

  await page.goto(app)
  await page.click('#sign-in')
  assert.match(await page.textContent('h1'), /Choose how to sign in/)
  await look('choose')

  // The language switch keeps the login going.
  for (const [lang, want] of [['cy', 'cy'], ['gd', 'gd'], ['en', 'en']]) {
    await page.click(`a[hreflang="${lang}"]`)
    assert.equal(await page.getAttribute('html', 'lang'), want)
    await look(`choose-${lang}`)
  }

  // Cancelling at the provider comes back with a reason.
  await page.click('#idp-google')
  await page.click('#persona-cancel')
  assert.match(await page.textContent('main'), /cancelled/)
  await look('cancelled')

  await page.click('#idp-google')
  await page.click('#persona-full-record')
  assert.equal(await page.textContent('#name'), 'Alice Jane Morgan')
  const subject = await page.textContent('#sub')

  // Single sign-on: the other app asks nothing and knows another subject.
  await page.goto(`${library}/sign-in`)
  assert.equal(await page.textContent('#name'), 'Alice Jane Morgan')
  assert.notEqual(await page.textContent('#sub'), subject)
  await page.goto(app)

  // Back to the provider's answer: a way on, not an error code.
  await page.goBack()
  await page.goto(app)
  assert.equal(await page.textContent('#sub'), subject)

  await page.goto(broker)
  await look('home')
  await page.goto(`${broker}/callback/google?state=old&code=old`)
  await look('expired')
  await page.goto(`${broker}/authorize?client_id=nobody`)
  assert.match(await page.textContent('main'), /This request cannot be completed/)
  await look('invalid')
  await page.goto(`${broker}/end_session`)
  await look('sign-out')

  await page.goto(app)
  await page.click('#sign-out')
  await page.waitForURL(`${app}/`)
  assert.ok(await page.isVisible('#sign-in'))

  // The broker forgot as well: the choice comes again, the last way first.
  await page.click('#sign-in')
  assert.match(await page.textContent('h1'), /Choose how to sign in/)
  await look('choose-again')
  await page.goto(`${broker}/sign-out`)
  await look('sign-out-plain')
  await page.click('#confirm-sign-out')
  assert.match(await page.textContent('main'), /You are signed out/)
  await look('signed-out')
} finally {
  await browser.close()
}
console.log('from the app to Google and back, and out: all well')
