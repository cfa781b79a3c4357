// A resident in a real browser among real SAML parties, each a site of its own,
// so that cookies with SameSite=Lax stay behind when one posts to another.
// argv: the app's page and where it signs out, where it leads then, broker,
// "noscript" to switch JavaScript off.
import assert from 'node:assert/strict'
import { browse } from './chromium.mjs'

const [app, signOut, bye, broker, script] = process.argv.slice(2)

await browse({ shots: '', width: '1280', script }, async ({ page, arrive }) => {
  await page.goto(app)
  await arrive('#idp-partners')
  await page.click('#idp-partners')
  await arrive('#username')
  await page.fill('#username', 'alice')
  await page.fill('#password', 'alice')
  await page.press('#password', 'Enter')
  await arrive('pre, body:has-text("subject=")')
  assert.equal(page.url(), app)
  assert.match(await page.textContent('body'), /name=Alice Jane Morgan/)

  await page.goto(signOut)
  await arrive('body:has-text("bye")')
  assert.equal(page.url(), bye)
  await page.goto(app)
  await arrive('#idp-partners')
  assert.ok(page.url().startsWith(broker))
  await page.click('#idp-partners')
  await arrive('#username') // the provider forgot as well
})
console.log('across sites and back, and out: all well')
