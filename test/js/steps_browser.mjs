// Residents in a real browser who need to prove more than that they are there, or
// for whom something goes wrong at a provider. Every page of the broker on the
// way is checked with axe-core. argv: broker, apps, folder for screenshots ("" for
// none), width of the window, "noscript" to switch JavaScript off.
import assert from 'node:assert/strict'
import { browse } from './chromium.mjs'

const [broker, app, shots, width, script] = process.argv.slice(2)

await browse({ shots, width, script }, async ({ page, look }) => {
  // ask begins a sign-in to an app.
  async function ask(id, more = {}) {
    await page.goto(`${broker}/authorize?${new URLSearchParams({
      client_id: id, response_type: 'code', scope: 'openid', redirect_uri: `${app}/${id}/callback`, state: 'of-the-app', ...more,
    })}`)
  }
  // title is what the page shown is about.
  const title = () => page.textContent('h1')
  // atApp makes sure that the browser is back at an app, with that.
  async function atApp(id, name) {
    await page.waitForURL(`${app}/${id}/**`)
    assert.ok(new URL(page.url()).searchParams.has(name) || name === '', page.url())
  }
  const forget = () => page.context().clearCookies()

  // Google is enough for bins; grants needs more, and says so.
  await ask('bins', { connector_hint: 'google' })
  await page.click('#persona-full-record')
  await atApp('bins', 'code')
  await ask('grants')
  assert.match(await title(), /Grants needs to be more sure who you are/)
  await look('more')
  for (const lang of ['cy', 'gd', 'en']) {
    await page.click(`a[hreflang="${lang}"]`)
    await look(`more-${lang}`)
  }
  await page.click('#idp-one-login')
  await page.click('#persona-full-record')
  assert.match(await title(), /Add GOV.UK One Login to the account that you use with Google\?/)
  await look('who')
  for (const lang of ['cy', 'gd', 'en']) {
    await page.click(`a[hreflang="${lang}"]`)
    await look(`who-${lang}`)
  }
  await page.click('#join')
  await page.click('#continue')
  await atApp('grants', 'code')

  // Somebody else's One Login: nothing is switched unasked.
  await forget()
  await ask('bins', { connector_hint: 'google' })
  await page.click('#persona-helper')
  await ask('grants')
  await page.click('#idp-one-login')
  await page.click('#persona-full-record')
  assert.match(await title(), /You signed in as someone else/)
  await look('somebody-else')
  await page.click('#back')
  assert.match(await title(), /more sure/)
  await page.click('#idp-one-login')
  await page.click('#persona-full-record')
  await page.click('#switch')
  // Whoever has proved it before need not again.
  await atApp('grants', 'code')

  // What an app would only like to know can wait.
  await forget()
  await ask('bins', { connector_hint: 'google' })
  await page.click('#persona-screen-reader')
  await ask('bins', { acr_values: 'urn:x-council:acr:cm' })
  assert.match(await title(), /needs a safer sign-in/)
  await look('safer')
  await page.click('#later')
  await atApp('bins', 'code')

  // Trouble: a page that names the provider and leads on.
  await forget()
  await ask('grants')
  await page.click('#persona-access-denied')
  assert.match(await title(), /GOV.UK One Login could not confirm/)
  await look('unmet')
  await page.click('#again')
  await page.click('#persona-client-deactivated')
  assert.match(await page.textContent('main'), /It is our fault/)
  await look('misconfigured')
  await page.click('#cancel')
  await atApp('grants', 'error')
  assert.equal(new URL(page.url()).searchParams.get('error'), 'temporarily_unavailable')
  await ask('bins', { connector_hint: 'google' })
  await page.click('#persona-cancel')
  assert.match(await title(), /You did not finish signing in/)
  await look('cancelled-one')
  assert.ok(await page.isVisible('#idp-one-login'))
  await page.click('#again')
  await page.click('#persona-full-record')
  await atApp('bins', 'code')

  // To a Post Office and back, days later.
  await forget()
  await ask('grants')
  await page.click('#persona-in-person')
  await page.click('#continue')
  assert.match(await title(), /Finish at the Post Office/)
  await page.click('main button')
  await page.click('#continue')
  assert.match(await title(), /You have proved who you are/)
  await look('landed')
  await page.click('#continue')
  await atApp('grants', 'iss')

  // An answer that comes too late, to another browser perhaps.
  await forget()
  await page.goto(`${broker}/callback/one-login?state=old&code=old`)
  assert.match(await title(), /Sign in once more to go on/)
  await look('late')

  // A window within another app, which Google refuses.
  await page.setExtraHTTPHeaders({
    'User-Agent': 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Instagram 334.0.4.32.98',
  })
  await ask('bins', { connector_hint: 'google' })
  assert.match(await title(), /Open this page in your browser/)
  await look('in-app')
  await page.click('#again')
  await page.click('#persona-full-record')
  await atApp('bins', 'code')
})
console.log('proved, joined, put off, gone wrong and come back: all well')
