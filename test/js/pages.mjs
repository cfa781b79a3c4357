// Goes the walks of pages_walks.mjs, two at a time, and makes sure that they show every
// page there is. argv: broker, where the apps are, a SAML provider, names of all
// templates, folder for screenshots ("" for none), the walks to go ("" for all).
import assert from 'node:assert/strict'
import { openChromium, patience, pressOn } from './chromium.mjs'
import { examine } from './pages_check.mjs'
import { walks } from './pages_walks.mjs'

const [broker, outside, adfs, templates, shots, only] = process.argv.slice(2)

// Visitor is a person with a browser.
class Visitor {
  constructor(page, mind, scripted) {
    this.page = page
    this.scripted = scripted // their browser runs JavaScript
    this.mind = mind // what they remember
    this.broker = broker
  }

  at = (path) => this.page.goto(path.startsWith('http') ? path : broker + path)
  click = (id) => pressOn(this.page, this.page.locator(`#${id}`))
  fill = (id, text) => this.page.fill(`#${id}`, text)
  shown = () => this.page.evaluate(() => document.body.dataset.page)
  forget = () => this.page.context().clearCookies()
  code = async (to) => (await fetch(`${outside}/last-code?to=${to}`)).text()

  // is has the providers take the person for a persona, with a fault if any.
  is(persona, fault) {
    return this.page.setExtraHTTPHeaders({ 'Simulator-Persona': persona, ...(fault && { 'Simulator-Fault': fault }) })
  }

  withinAnApp() {
    return this.page.setExtraHTTPHeaders({
      'Simulator-Persona': 'load-1', 'User-Agent': 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 Instagram 334.0.4.32.98',
    })
  }

  // asks comes from an app.
  asks(app, more = {}) {
    return this.at(`/authorize?${new URLSearchParams({
      client_id: app, response_type: 'code', scope: 'openid profile email address', redirect_uri: `${outside}/${app}/callback`, state: 'of-the-app', ...more,
    })}`)
  }

  // signsIn comes from an app by a way in, for the first time or not.
  async signsIn(persona, by = 'google', app = 'tax', more = {}) {
    await this.is(persona)
    await this.asks(app, { connector_hint: by, ...more })
    if (await this.shown() === 'before') await this.click('first')
    assert.equal(await this.shown(), 'app', `${persona} by ${by}: at ${this.page.url()}`)
  }

  // signsInLongAgo finds the person signed in at the provider for half an hour.
  async signsInLongAgo(persona, by) {
    await this.forget()
    const since = Math.floor(Date.now() / 1000) - 1800
    await this.page.context().addCookies([{ name: `simulated-${by}`, value: `${persona}.${since}.x`, domain: '127.0.0.1', path: '/' }])
    await this.signsIn(persona, by, 'tax', { max_age: '7200' })
  }

  // savesTooLate sends a form when the session is over.
  async savesTooLate(persona) {
    await this.signsIn(persona)
    await this.at('/my/details/nickname')
    await this.fill('said', 'Ally')
    await this.page.context().clearCookies({ name: 'session' })
    await this.click('save')
  }

  // waits does nothing on a page for so long, by its clock.
  async waits(path, time) {
    await this.at(path)
    if (!this.scripted) return
    await this.page.clock.install()
    await this.page.reload()
    await this.page.clock.fastForward(time)
    await this.page.waitForSelector('.council-stay__word:visible')
  }

  async leaves() {
    await this.at('/sign-out')
    await this.click('confirm-sign-out')
  }

  // waitsFor waits until the front page has so many of what is written down a moment
  // later.
  async waitsFor(selector, n) {
    for (let i = 0; i < 50; i++) {
      await this.at('/')
      if (await this.page.locator(selector).count() >= n) return
    }
    assert.fail(`no ${n} ${selector}`)
  }

  async comesFromAPostOffice() {
    await this.forget()
    await this.is('in-person')
    await this.asks('grants')
    if (await this.shown() === 'choose') await this.click('idp-one-login')
    await pressOn(this.page, this.page.locator('main button'))
  }

  async startsAtAProvider() {
    await this.at(`${adfs}/start`)
    const hand = this.page.locator('form:has(input[name="SAMLResponse"]) :is(button, [type="submit"])').first()
    await this.page.locator('body[data-page]').or(hand).first().waitFor()
    if (!await this.shown()) await pressOn(this.page, hand)
    await this.page.waitForSelector('body[data-page]')
  }

  runsNoPost = () => this.page.route('**/post.js', (route) => route.abort())

  // leavesSix signs out of more apps than a browser follows redirects to.
  async leavesSix() {
    for (const app of ['one', 'two', 'three', 'four', 'five', 'six']) {
      await this.at(`/saml/start/${app}`)
      await this.click('continue')
    }
    for (let i = 0; i < 8 && await this.shown() !== 'onward'; i++) await this.leaves()
  }

  async deletesAtFacebook(persona) {
    this.mind.deletion ??= await (await fetch(`${outside}/delete-at-facebook?persona=${persona}`)).text()
    await this.at(this.mind.deletion)
  }
}

const seen = new Set(), wrong = []
const chromium = await openChromium()
try {
  const waiting = Object.entries(walks).filter(([name]) => !only || only.split(',').includes(name))
  const goOn = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) await go(...next)
  }
  await Promise.all([goOn(), goOn()])
} finally {
  await chromium.close()
}
assert.deepEqual(wrong, [])
if (!only) assert.deepEqual(templates.split(',').filter((name) => !seen.has(name)), [], 'pages that no row shows')
console.log(`${seen.size} pages: all well`)

// go goes a walk.
async function go(name, rows) {
  const open = async (options) => {
    const context = await chromium.newContext({ viewport: { width: 1280, height: 900 }, locale: 'en-GB', ...options })
    context.setDefaultTimeout(patience)
    return context.newPage()
  }
  const mind = {}, visitor = new Visitor(await open(), mind, true), other = new Visitor(await open({ javaScriptEnabled: false }), mind, false)
  for (const row of rows) {
    try {
      await row.first?.(visitor)
      await examine({ visitor, other, row, shots })
      seen.add(row.shows)
    } catch (err) {
      wrong.push(`${name}, ${row.name}: ${err.message}`)
    }
  }
  await Promise.all([visitor, other].map((v) => v.page.context().close()))
}
