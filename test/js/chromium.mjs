// A real browser for the walks of residents.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

export const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

// patience is how many milliseconds something may take: a busy machine is slow.
export const patience = 60_000

// openChromium starts the browser.
export const openChromium = () => chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync'],
})

// pressOn clicks on what a page shows and waits for the page that this leads to. The
// first page has to be whole: a style sheet that comes between would move the button
// from under the pointer, and the page's own event be taken for the next one's.
export async function pressOn(page, target) {
  await page.waitForLoadState('load')
  await Promise.all([page.waitForEvent('domcontentloaded'), target.click()])
}

// browse runs a walk in a window of this width. shots is a folder for screenshots, ""
// for none; script is "noscript" to switch JavaScript off. The pages'
// Content-Security-Policy holds: it has kept forms from leading on before.
export async function browse({ shots, width, script }, walk) {
  const browser = await openChromium()
  try {
    const context = await browser.newContext({
      viewport: { width: Number(width), height: 900 }, javaScriptEnabled: script !== 'noscript', locale: 'en-GB',
    })
    context.setDefaultTimeout(patience)
    const page = await context.newPage()
    const press = (target) => pressOn(page, target)

    // look checks the page that is shown: no violation of WCAG 2.2 AA that axe
    // can find, and nothing wider than the window.
    async function look(name) {
      await page.waitForLoadState('load') // the style sheet's measures are looked at
      if (shots) await page.screenshot({ path: join(shots, `${name}-${width}${script === 'noscript' ? '-noscript' : ''}.png`), fullPage: true })
      if (script === 'noscript') return
      await page.evaluate(axe)
      const { violations } = await page.evaluate(() => window.axe.run(document, {
        runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
      }))
      assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target).join(', ')}`), [], name)
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), `${name} is wider than the window`)
    }

    // arrive waits until the page has what the selector says. Pages that hand on
    // SAML messages are on the way; without JavaScript the resident presses
    // their buttons.
    async function arrive(selector) {
      const message = 'form:has(input[name="SAMLRequest"]), form:has(input[name="SAMLResponse"])'
      const there = page.locator(selector).first()
      for (let i = 0; i < 12 && script === 'noscript'; i++) {
        await there.or(page.locator(message).first()).first().waitFor()
        if (await there.count()) break
        await press(page.locator(message).locator(':is(button, [type="submit"]):visible').first())
      }
      await there.waitFor()
    }

    // cut lets no request through to an address and what is below it, redirects
    // included, which page.route does not see.
    async function cut(address) {
      const session = await context.newCDPSession(page)
      session.on('Fetch.requestPaused', ({ requestId }) => session.send('Fetch.failRequest', { requestId, errorReason: 'ConnectionRefused' }))
      await session.send('Fetch.enable', { patterns: [{ urlPattern: `${address}*` }] })
    }

    await walk({ page, look, press, arrive, cut })
  } finally {
    await browser.close()
  }
}
