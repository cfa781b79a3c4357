// What every page is held to, whoever meets it: in each language, in each width, with
// and without JavaScript, with a keyboard alone.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { axe } from './chromium.mjs'

const widths = [1280, 360, 320] // 320 is 400% zoom of 1280 (WCAG 2.2 §1.4.10)
const height = 900

// resize makes the window that wide.
const resize = (page, width) => page.setViewportSize({ width, height })

// read is what a page says.
const read = (page) => page.evaluate(() => ({
  name: document.body.dataset.page, lang: document.documentElement.lang, title: document.title,
  heading: [...document.querySelectorAll('h1')].map((h) => h.textContent.trim()),
  texts: (() => {
    const all = []
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    for (let n = walker.nextNode(); n; n = walker.nextNode()) {
      if (!n.parentElement.closest('script, svg, noscript, [translate="no"], [lang]:not(html)')) all.push(n.textContent.trim().replace(/\s+/g, ' '))
    }
    for (const e of document.querySelectorAll('[aria-label]')) all.push(e.getAttribute('aria-label'))
    return all.filter((text) => text)
  })(),
  wide: [...document.querySelectorAll('body *')].filter((e) => {
    const box = e.getBoundingClientRect()
    return box.width && box.right > innerWidth + 1 && !e.closest('.govuk-visually-hidden, .govuk-skip-link, svg')
  }).map((e) => e.id || e.className || e.tagName),
  unstyled: [...document.querySelectorAll('body *')].filter((e) => {
    const text = [...e.childNodes].some((n) => n.nodeType === Node.TEXT_NODE && n.data.trim())
    return text && !/sans-serif|monospace/.test(getComputedStyle(e).fontFamily) && !e.closest('script, svg, noscript')
  }).map((e) => e.id || e.className || e.tagName),
  scrolls: document.documentElement.scrollWidth > innerWidth,
}))

// fits holds the page to need no scrolling sideways in any window.
async function fits(page, name, shoot) {
  for (const width of widths) {
    await resize(page, width)
    const { scrolls, wide } = await read(page)
    assert.ok(!scrolls && !wide.length, `${name} does not fit into ${width} px: ${wide}`)
    await shoot(page, width)
  }
}

// clean holds the page to what axe can find out of WCAG 2.2 AA, in the widest and
// the narrowest window.
async function clean(page, name) {
  await page.evaluate(axe)
  for (const width of [320, 1280]) {
    await resize(page, width)
    const { violations } = await page.evaluate(() => window.axe.run(document, {
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'], rules: { 'target-size': { enabled: true } },
    }))
    assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target).join(', ')}`), [], `${name} at ${width} px`)
  }
}

// sentence is text that is no name: two words one after the other that begin small.
const sentence = /(^|[\s(“])\p{Ll}{2,} \p{Ll}{2,}/u

// key is what stands where a text is missing.
const key = /\b[a-z_]+\.[a-z_]+\.[a-z_]+\b|no value|%!/

// translated holds what a page says in a language to be in it.
function translated(said, lang, english, name) {
  assert.equal(said.lang, lang, name)
  assert.ok(!said.texts.some((text) => key.test(text)), `${name}: a text is missing: ${said.texts.filter((text) => key.test(text))}`)
  if (lang === 'en') return
  const left = said.texts.filter((text) => sentence.test(text) && english.texts.includes(text))
  assert.deepEqual(left, [], `${name} in ${lang}: not translated`)
  assert.notEqual(said.title, english.title, `${name} in ${lang}: the title`)
}

// stop is what has the keyboard's focus.
const stop = (page) => page.evaluate(() => {
  const e = document.activeElement
  if (!e || e === document.body) return null
  const box = e.getBoundingClientRect()
  const marked = (element, pseudo) => {
    const s = getComputedStyle(element, pseudo)
    return [s.outlineStyle, s.outlineWidth, s.boxShadow, s.backgroundColor, s.borderColor, s.textDecoration].join()
  }
  const label = e.labels?.[0]
  const drawn = ['radio', 'checkbox'].includes(e.type) ? [label, '::before'] : [e, null]
  const here = marked(...drawn)
  const line = e.getClientRects()[0] // the first, of a link that is broken
  const at = document.elementFromPoint(line.left + line.width / 2, line.top + line.height / 2)
  const seen = at && (e.contains(at) || label?.contains(at))
  e.blur()
  const elsewhere = marked(...drawn)
  e.focus({ preventScroll: true })
  return {
    id: e.id, name: e.id || e.textContent.trim(), n: [...document.querySelectorAll('*')].indexOf(e), group: e.type === 'radio' ? e.name : '',
    top: box.top + scrollY, bottom: box.bottom + scrollY, left: box.left, right: box.right, seen: Boolean(seen), marked: here !== elsewhere,
  }
})

// wanted is everything that can be used on the page, in the order of its text; of
// radio buttons with one name the keyboard stops at one.
const wanted = (page) => page.evaluate(() => {
  const groups = new Set()
  return [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary')].filter((e) => {
    if (e.disabled || !e.checkVisibility({ visibilityProperty: true })) return false
    if (e.type !== 'radio') return true
    const first = !groups.has(e.name)
    groups.add(e.name)
    return first
  }).map((e) => e.type === 'radio' ? `radio ${e.name}` : e.id || e.textContent.trim())
})

// named is how wanted calls a stop.
const named = (s) => s.group ? `radio ${s.group}` : s.name

// before reports whether a is read before b: above it, or to its left.
const before = (a, b) => a.top < b.bottom && (a.top <= b.top + 4 || a.left < b.left) || a.right <= b.left

// reaches goes through the page with the tabulator alone: to everything that can be
// used and away again, in the order in which it is seen, each with a focus that shows
// (WCAG 2.2 §2.1.1, §2.1.2, §2.4.3, §2.4.7, §2.4.11).
async function reaches(page, name, fresh) {
  await fresh()
  const all = await wanted(page)
  const stops = []
  for (let i = 0; i <= all.length; i++) {
    await page.keyboard.press('Tab')
    const at = await stop(page)
    if (!at || at.n === stops[0]?.n) break // some pages lead on to the browser's own buttons, some to the first again
    assert.ok(i < all.length, `${name}: the keyboard does not leave the page, but goes on from ${stops.map(named)} to ${at.name}`)
    assert.ok(at.marked, `${name}: ${at.name} does not show that it has the focus`)
    assert.ok(at.seen, `${name}: ${at.name} has the focus out of sight`)
    stops.push(at)
  }
  assert.deepEqual(stops.map(named), all, `${name}: where the keyboard stops`)
  for (let i = 2; i < stops.length; i++) { // from the skip link on, which is seen only while it has the focus
    assert.ok(before(stops[i - 1], stops[i]), `${name}: the focus goes back from ${stops[i - 1].name} to ${stops[i].name}`)
  }
}

// skips holds the skip link to lead past what every page has (WCAG 2.2 §2.4.1).
async function skips(page, name, fresh) {
  await fresh()
  await page.keyboard.press('Tab')
  assert.equal(await page.evaluate(() => document.activeElement.className), 'govuk-skip-link', name)
  await page.keyboard.press('Enter')
  await page.keyboard.press('Tab')
  const inside = await page.evaluate(() => {
    const main = document.querySelector('main')
    return !main.querySelector('a[href], button, input:not([type=hidden]), summary') || main.contains(document.activeElement)
  })
  assert.ok(inside, `${name}: the skip link does not lead to the main content`)
}

// does fills in the form and presses what the page is for, by keyboard alone.
async function does(visitor, { fill = {}, press, leads, downloads, ends }, name, fresh) {
  const { page } = visitor
  await fresh()
  const left = new Set([...Object.keys(fill), press])
  for (let i = 0; left.has(press); i++) {
    assert.ok(i < 80, `${name}: the keyboard does not come to ${[...left]}`)
    await page.keyboard.press('Tab')
    const id = await page.evaluate(() => document.activeElement?.id)
    if (!left.delete(id) || id === press) continue
    await page.keyboard.press(fill[id] === true ? 'Space' : 'Control+a')
    if (fill[id] !== true) await page.keyboard.type(typeof fill[id] === 'function' ? await fill[id](visitor) : fill[id])
  }
  assert.deepEqual([...left], [], `${name}: what the keyboard has not come to before`)
  if (ends) {
    await page.keyboard.press('Enter')
    await page.waitForSelector(ends, { state: 'hidden' })
    for (const [id, typed] of Object.entries(fill)) assert.equal(await page.inputValue(`#${id}`), typed, `${name}: what was typed`)
    return
  }
  const what = page.waitForEvent(downloads ? 'download' : 'domcontentloaded')
  const [happened] = await Promise.all([what, page.keyboard.press('Enter')])
  if (downloads) {
    assert.equal(happened.suggestedFilename(), downloads, name)
    return
  }
  await page.waitForSelector(`body[data-page="${leads}"]`).catch(async () => {
    assert.fail(`${name}: ${press} leads to ${(await read(page)).name} at ${page.url()}, not to ${leads}`)
  })
}

// examine holds the page that a row shows to all of that. visitor's browser runs
// scripts, other's does not.
export async function examine({ visitor, other, row, shots }) {
  const { name } = row, { page } = visitor
  const fresh = () => row.once ? undefined : row.again ? row.reach(visitor) : page.reload()
  const shoot = async (at, width) => {
    if (shots && width !== 320) await at.screenshot({ path: join(shots, `${name.replaceAll(/[ ,]+/g, '-')}-${width}.png`), fullPage: true })
  }
  const context = page.context()
  const speak = (value) => context.addCookies([{ name: 'lang', value, url: visitor.broker }])
  await resize(page, 1280)
  await speak('en')
  await row.reach(visitor)
  await page.waitForLoadState('load') // with the style sheet
  const english = await read(page)
  assert.equal(english.name, row.shows, `at ${page.url()}`)
  assert.equal(english.heading.length, 1, 'headings')
  assert.deepEqual(english.unstyled, [], 'in no font of ours')
  translated(english, 'en', english, name)
  await fits(page, name, shoot)
  await clean(page, name)

  for (const lang of row.once ? [] : ['cy', 'gd']) {
    await speak(lang)
    await fresh()
    translated(await read(page), lang, english, name)
    await fits(page, `${name} in ${lang}`, () => {})
  }
  await speak('en')
  await fresh()
  if (!row.once) await without(visitor, other, row, english)

  await resize(page, 1280)
  await reaches(page, name, fresh)
  if (!row.once) await skips(page, name, fresh)
  if (row.does) await does(visitor, row.does, name, fresh)
}

// without holds the page to say the same without JavaScript, and to be used as it is
// with it.
async function without(visitor, other, row, english) {
  const { page } = visitor, plain = other.page
  const all = await wanted(page)
  await other.forget()
  await plain.context().addCookies(await page.context().cookies())
  await resize(plain, 360)
  await (row.again ? row.reach(other) : plain.goto(page.url()))
  const bare = await read(plain)
  assert.deepEqual([bare.name, bare.heading, bare.scrolls], [row.shows, english.heading, false], `${row.name} without JavaScript`)
  const usable = await wanted(plain)
  assert.deepEqual(all.filter((id) => !usable.includes(id) && !row.scripted?.includes(id)), [], `${row.name}: what needs JavaScript`)
}
