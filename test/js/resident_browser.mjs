// A resident at their own pages, in a real browser: every page in every language,
// each checked with axe-core, and what can be done on it. argv: two apps, the
// broker, where the last code that was sent can be read, folder for screenshots (""
// for none), width of the window, "noscript" to switch JavaScript off.
import assert from 'node:assert/strict'
import { browse } from './chromium.mjs'

const [app, library, broker, mailbox, shots, width, script] = process.argv.slice(2)

await browse({ shots, width, script, csp: true }, async ({ page, look, press }) => {
  const title = () => page.textContent('h1')
  const id = (name) => page.locator(`#${name}`)
  const open = (path) => page.goto(broker + path)

  // lookAt looks at a page in each language. Its title and heading are never the
  // same in two of them, and it has a way on.
  async function lookAt(name) {
    const said = new Set()
    for (const lang of ['cy', 'gd', 'en']) {
      await page.click(`a[hreflang="${lang}"]`)
      assert.equal(await page.getAttribute('html', 'lang'), lang)
      said.add(await title())
      await look(`resident-${name}-${lang}`)
    }
    assert.equal(said.size, 3, `${name}: headings ${[...said]}`)
  }

  // problem looks at a form that was sent back.
  async function problem(name, field) {
    assert.match(await page.title(), /^Error: /)
    assert.ok(await page.isVisible('.govuk-error-summary'), name)
    await page.click('.govuk-error-summary a')
    assert.equal(await page.evaluate(() => document.activeElement?.id), field)
    await look(`resident-${name}-problem`)
  }
  const done = async (text) => assert.match(await page.textContent('#done'), text)

  await open('/')
  await lookAt('signed-out')

  // From an app with Google, so that the account has a history.
  await page.goto(app)
  await page.click('#sign-in')
  await page.click('#idp-google')
  await page.click('#persona-full-record')
  await page.waitForSelector('#sub')
  await page.goto(`${library}/sign-in`)
  await page.waitForSelector('#sub')

  // What was used is written down a moment later.
  for (let i = 0; i < 50 && await page.locator('[id^=tile-]:has(time)').count() < 2; i++) await open('/')
  assert.equal(await page.locator('[id^=tile-]:has(time)').count(), 2)
  assert.match(await title(), /Alice/)
  await lookAt('home')

  // The ways in: another one is added, named and removed.
  await press(id('nav-sign_ins'))
  await press(id('add-way'))
  await problem('sign-ins', 'add-0')
  await lookAt('sign-ins')
  await page.check('input[value="facebook"]')
  await press(id('add-way'))
  await page.click('#persona-full-record')
  await page.waitForSelector('#join')
  await press(id('join'))
  await page.waitForURL(`${broker}/my/sign-ins`)
  assert.equal(await page.locator('.council-card').count(), 2)
  await press(id('name-1'))
  await lookAt('name')
  await page.fill('#name', 'x'.repeat(61))
  await press(id('save'))
  await problem('name', 'name')
  assert.equal(await page.inputValue('#name'), 'x'.repeat(61))
  await page.fill('#name', 'The other one')
  await press(id('save'))
  await done(/saved/)
  await look('resident-sign-ins-two')
  await press(id('remove-0'))
  await lookAt('remove')
  await press(id('keep'))

  // What is known, and what residents say themselves.
  await press(id('nav-details'))
  await lookAt('details')
  await press(id('change-phone_number'))
  await lookAt('phone')
  await page.fill('#said', 'ring me')
  await press(id('save'))
  await problem('phone', 'said')
  assert.equal(await page.inputValue('#said'), 'ring me')
  await page.fill('#said', '01632 960 001')
  await press(id('save'))
  await done(/saved/)
  assert.match(await page.textContent('#detail-phone_number'), /\+441632960001/)
  await press(id('change-nickname'))
  await lookAt('nickname')
  await page.fill('#said', 'Ally')
  await press(id('save'))
  await press(id('change-email'))
  await lookAt('email')
  await page.fill('#said', 'ally at example.org')
  await press(id('save'))
  await problem('email', 'said')
  await page.fill('#said', 'ally@example.org')
  await press(id('save'))
  await lookAt('code')
  await page.fill('#code', '1')
  await press(id('check'))
  await problem('code', 'code')
  await page.fill('#code', await (await fetch(mailbox)).text())
  await press(id('check'))
  await done(/checked/)
  assert.match(await page.textContent('#detail-email'), /ally@example\.org/)
  await look('resident-details-own')
  await open('/')
  assert.match(await title(), /Ally/)

  await press(id('to-proof'))
  await lookAt('proof')

  // An app that knows the resident is to know no more.
  await press(id('nav-services'))
  await lookAt('services')
  await press(id('stop-library'))
  await lookAt('stop')
  await press(id('stop'))
  await done(/stopped/)
  assert.equal(await page.locator('#service-library').count(), 0)

  await press(id('nav-devices'))
  await lookAt('devices')
  await press(id('nav-activity'))
  await lookAt('activity')

  // Somebody may act for the resident.
  await open('/my/delegates')
  await lookAt('delegates')
  await press(id('invite'))
  await lookAt('invite')
  await page.fill('#label', 'My daughter Ann')
  await page.fill('#day', '31')
  await page.fill('#month', '2')
  await page.fill('#year', '2040')
  await press(id('make'))
  await problem('invite', 'app-0')
  assert.equal(await page.inputValue('#label'), 'My daughter Ann')
  await page.check('#app-0')
  const soon = new Date(Date.now() + 30 * 24 * 3600 * 1000)
  await page.fill('#day', String(soon.getUTCDate()))
  await page.fill('#month', String(soon.getUTCMonth() + 1))
  await page.fill('#year', String(soon.getUTCFullYear()))
  await press(id('make'))
  const code = await page.textContent('#invitation')
  await look('resident-invited')
  await page.reload()
  assert.equal(await id('invitation').count(), 0, 'the code is shown twice')
  await press(id('accept'))
  await lookAt('accept')
  await page.fill('#code', code)
  await press(id('go'))
  await problem('accept', 'code')
  await open('/my/delegates')
  await press(id('end-given-0'))
  await done(/ended/)

  // The language is kept for the next time.
  await open('/my/language')
  await lookAt('language')
  await page.check('#language-cy')
  await press(id('save'))
  assert.equal(await page.getAttribute('html', 'lang'), 'cy')
  await page.check('#language-en')
  await press(id('save'))

  // Everything, in one file.
  await open('/my/data')
  await lookAt('data')
  const [file] = await Promise.all([page.waitForEvent('download'), page.click('#download')])
  assert.equal(file.suggestedFilename(), 'council-account.json')

  // Deleted, and kept after all.
  await open('/my/delete')
  await lookAt('delete')
  await press(id('delete'))
  await problem('delete', 'sure')
  await page.check('#sure')
  await press(id('delete'))
  assert.match(await title(), /will be deleted/)
  await lookAt('deleting')
  await open('/')
  assert.ok(await page.isVisible('#ends'))
  await look('resident-home-deleting')
  await press(id('keep'))
  await press(id('keep'))
  await done(/stays/)
  assert.ok(!await page.isVisible('#ends'))

  // Somebody who only has a keyboard gets to every link and button of the pages,
  // sees where they are, and can use them.
  for (const path of ['/', '/my/sign-ins', '/my/details', '/my/delegates/invite']) {
    await open(path)
    await walkByKeyboard(page, path)
  }

  // Signed out everywhere.
  await open('/my/devices')
  await press(id('end-all'))
  await open('/')
  assert.ok(await page.isVisible('#sign-in'))
})
console.log('every page of a resident\'s own: all well')

// walkByKeyboard goes through a page with the tabulator and finds everything that
// can be clicked, each with a focus that can be seen and not behind something else.
async function walkByKeyboard(page, path) {
  const wanted = await page.evaluate(() => [...document.querySelectorAll('a[href], button, input:not([type=hidden]), summary')]
    .filter((e) => e.type !== 'radio').length)
  const seen = new Set()
  for (let i = 0; i < wanted + 5; i++) {
    await page.keyboard.press('Tab')
    const at = await page.evaluate(() => {
      const e = document.activeElement
      if (!e || e === document.body) return null
      const box = e.getBoundingClientRect()
      const style = getComputedStyle(e)
      const all = [...document.querySelectorAll('*')]
      return {
        n: all.indexOf(e), radio: e.type === 'radio', name: e.id || e.textContent.trim(),
        shown: box.width > 0 && box.height > 0 && box.bottom > 0 && box.top < window.innerHeight,
        marked: style.outlineStyle !== 'none' || style.boxShadow !== 'none',
      }
    })
    if (!at) continue
    if (!at.radio) seen.add(at.n)
    assert.ok(at.shown, `${path}: ${at.name} has the focus out of sight`)
    assert.ok(at.marked || at.radio, `${path}: ${at.name} does not show that it has the focus`)
  }
  assert.equal(seen.size, wanted, `${path}: what the keyboard reaches`)
}
