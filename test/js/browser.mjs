// A resident in a real browser: from a council app by the choice page and a
// simulated Google back to the app, and out again. Every page of the broker on
// the way is checked with axe-core. argv: two apps, broker, folder for screenshots
// ("" for none), width of the window,
// "noscript" to switch JavaScript off.
import assert from 'node:assert/strict'
import { browse } from './chromium.mjs'

const [app, library, broker, shots, width, script] = process.argv.slice(2)

await browse({ shots, width, script }, async ({ page, look }) => {
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

  await page.click('#again')
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
})
console.log('from the app to Google and back, and out: all well')
