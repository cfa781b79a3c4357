// Every page that residents meet, and how they get there. A walk is a person with a
// browser of their own; its rows are what they see one after the other: the template
// that a row shows, what is done first, how the page is reached, and what it is for,
// done by keyboard: what is filled in (true: ticked), what is pressed, and the page
// that this leads to ("app": back at the app), or what goes away or comes of it. Rows marked again are pages that loading
// anew would not show: they are reached anew. Rows marked once are reached once only.

const soon = new Date(Date.now() + 30 * 24 * 3600 * 1000)
const until = { day: String(soon.getUTCDate()), month: String(soon.getUTCMonth() + 1), year: String(soon.getUTCFullYear()) }

// page is a row of a page that has an address.
const page = (name, shows, path, does, more = {}) => ({ name, shows, reach: (v) => v.at(path), does, ...more })

// byCode signs in by a code that is sent to an address.
async function byCode(v, address) {
  await v.fill('answer', address)
  await v.click('send')
  await v.fill('answer', await v.code(address))
  await v.click('check')
}

// adds is on the way to add a way in.
async function adds(v, by) {
  await v.at('/my/sign-ins')
  await v.page.check(`input[value="${by}"]`)
  await v.click('add-way')
}

// invites has whoever is signed in let somebody act for them, and returns the code.
async function invites(v) {
  await v.at('/my/delegates/invite')
  await v.fill('label', 'Ann')
  await v.page.check('#app-0')
  for (const [field, value] of Object.entries(until)) await v.fill(field, value)
  await v.click('make')
  return v.page.textContent('#invitation')
}

const passkeys = ['use-passkey', 'make-passkey', 'answer'] // which without JavaScript nobody has

export const walks = {
  'signing in': [
    page('home', 'home', '/', { press: 'sign-in', leads: 'choose' }),
    { name: 'choose', shows: 'choose', first: (v) => v.is('load-1'), reach: (v) => v.asks('tax'), does: { press: 'idp-google', leads: 'app' } },
    { name: 'choose in a shared browser', shows: 'choose', first: (v) => v.forget(), reach: async (v) => { await v.asks('tax'); await v.click('shared') }, again: true, does: { press: 'shared', leads: 'choose' } },
    { name: 'choose another time', shows: 'choose', first: async (v) => { await v.signsIn('load-1'); await v.leaves() }, reach: (v) => v.asks('tax'), does: { press: 'cancel', leads: 'app' } },
    { name: 'trouble', shows: 'trouble', first: (v) => v.is('load-1', 'cancel'), reach: (v) => v.asks('tax', { connector_hint: 'google' }), does: { press: 'cancel', leads: 'app' } },
    { name: 'trouble of ours', shows: 'trouble', first: (v) => v.is('load-1', 'client-deactivated'), reach: (v) => v.asks('tax', { connector_hint: 'one-login' }), does: { press: 'cancel', leads: 'app' } },
    { name: 'in an app', shows: 'in_app', first: (v) => v.withinAnApp(), reach: (v) => v.asks('tax', { connector_hint: 'google' }), does: { press: 'again', leads: 'app' } },
    { name: 'signed in before', shows: 'before', first: async (v) => { await v.signsIn('load-2', 'works'); await v.forget() }, reach: (v) => v.asks('tax', { connector_hint: 'github' }), does: { press: 'first', leads: 'app' } },
  ],

  'proving who one is': [
    { name: 'more sure', shows: 'choose', first: (v) => v.signsIn('load-11'), reach: (v) => v.asks('grants'), does: { press: 'idp-one-login', leads: 'who' } },
    { name: 'both mine', shows: 'who', reach: async (v) => { await v.asks('grants'); await v.click('idp-one-login') }, does: { press: 'join', leads: 'app' } },
    page('proof with checks', 'resident_proof', '/my/proof', { press: 'back', leads: 'resident_home' }),
    { name: 'sign in again, more safely', shows: 'resident_again', first: async (v) => { await v.forget(); await v.signsIn('load-11') }, reach: (v) => v.at('/my/data'), does: { press: 'again', leads: 'choose' } },
    { name: 'sign in again', shows: 'resident_again', first: (v) => v.signsInLongAgo('load-12', 'microsoft'), reach: (v) => v.at('/my/data'), does: { press: 'again', leads: 'resident_data' } },
    { name: 'somebody else', shows: 'who', first: async (v) => { await v.forget(); await v.signsIn('load-13'); await v.is('load-11') }, reach: async (v) => { await v.asks('grants'); await v.click('idp-one-login') }, does: { press: 'back', leads: 'choose' } },
    { name: 'two people', shows: 'apart', first: async (v) => { await v.forget(); await v.signsIn('load-14', 'one-login', 'grants'); await v.is('welsh-speaker') }, reach: async (v) => { await adds(v, 'works'); if (await v.shown() === 'who') await v.click('join') }, does: { press: 'back', leads: 'resident_sign_ins' } },
    { name: 'come back from a Post Office', shows: 'landed', first: (v) => v.comesFromAPostOffice(), reach: (v) => v.at('/landed?app=grants'), does: { press: 'continue', leads: 'app' } },
  ],

  'sharing and acting': [
    { name: 'consent', shows: 'consent', first: (v) => v.signsIn('overseas-address'), reach: (v) => v.asks('gym', { scope: 'openid profile email address offline_access' }), does: { press: 'agree', leads: 'app' } },
    page('delegates, nobody', 'resident_delegates', '/my/delegates', { press: 'invite', leads: 'resident_invite' }),
    page('invite', 'resident_invite', '/my/delegates/invite', { fill: { label: 'My daughter Ann', 'app-0': true, ...until }, press: 'make', leads: 'resident_delegates' }),
    { name: 'invite, wrong', shows: 'resident_invite', reach: async (v) => { await v.at('/my/delegates/invite'); await v.click('make') }, again: true, does: { fill: { label: 'Ann', 'app-0': true, ...until }, press: 'make', leads: 'resident_delegates' } },
    { name: 'invited', shows: 'resident_delegates', reach: (v) => invites(v), once: true, does: { press: 'end-given-0', leads: 'resident_delegates' } },
    { name: 'accept', shows: 'resident_accept', first: async (v) => { v.mind.code = await invites(v); await v.forget(); await v.signsIn('load-21') }, reach: (v) => v.at('/my/delegates/accept'), does: { fill: { code: (v) => v.mind.code }, press: 'go', leads: 'resident_invitation' } },
    { name: 'asked to act', shows: 'resident_invitation', reach: async (v) => { await v.at('/my/delegates/accept'); await v.fill('code', v.mind.code); await v.click('go') }, does: { press: 'agree', leads: 'resident_delegates' } },
    page('delegates', 'resident_delegates', '/my/delegates', { press: 'accept', leads: 'resident_accept' }),
    { name: 'accept, wrong', shows: 'resident_accept', reach: async (v) => { await v.at('/my/delegates/accept'); await v.fill('code', 'AAAA'); await v.click('go') }, again: true, does: { press: 'back', leads: 'resident_delegates' } },
    { name: 'acting', shows: 'acting', reach: (v) => v.asks('bins'), does: { press: 'self', leads: 'app' } },
  ],

  'my account': [
    page('my home', 'resident_home', '/', { press: 'to-proof', leads: 'resident_proof' }, { first: async (v) => { await v.signsIn('full-record'); await v.signsIn('full-record', 'google', 'library'); await v.waitsFor('[id^=tile-]:has(time)', 2) } }),
    page('my proof', 'resident_proof', '/my/proof', { press: 'back', leads: 'resident_home' }),
    page('my sign-in', 'resident_sign_ins', '/my/sign-ins', { fill: { 'add-0': true }, press: 'add-way', leads: 'who' }),
    { name: 'add a way in, none chosen', shows: 'resident_sign_ins', reach: async (v) => { await v.at('/my/sign-ins'); await v.click('add-way') }, again: true, does: { press: 'nav-details', leads: 'resident_details' } },
    { name: 'add a way in', shows: 'who', reach: (v) => adds(v, 'facebook'), does: { press: 'join', leads: 'resident_sign_ins' } },
    { name: 'added already', shows: 'who', reach: (v) => adds(v, 'facebook'), does: { press: 'back', leads: 'resident_sign_ins' } },
    { name: 'name a way in', shows: 'resident_name', reach: async (v) => { await v.at('/my/sign-ins'); await v.click('name-1') }, does: { fill: { name: 'Work' }, press: 'save', leads: 'resident_sign_ins' } },
    { name: 'name, too long', shows: 'resident_name', reach: async (v) => { await v.at('/my/sign-ins'); await v.click('name-1'); await v.fill('name', 'x'.repeat(61)); await v.click('save') }, again: true, does: { press: 'back', leads: 'resident_sign_ins' } },
    page('my sign-ins', 'resident_sign_ins', '/my/sign-ins', { press: 'nav-details', leads: 'resident_details' }),
    { name: 'remove a way in', shows: 'resident_remove', reach: async (v) => { await v.at('/my/sign-ins'); await v.click('remove-1') }, does: { press: 'remove', leads: 'resident_sign_ins' } },
    page('my details', 'resident_details', '/my/details', { press: 'change-nickname', leads: 'resident_edit' }),
    page('my nickname', 'resident_edit', '/my/details/nickname', { fill: { said: 'Ally' }, press: 'save', leads: 'resident_details' }),
    page('my telephone', 'resident_edit', '/my/details/phone_number', { fill: { said: '01632 960 001' }, press: 'save', leads: 'resident_details' }),
    { name: 'my telephone, wrong', shows: 'resident_edit', reach: async (v) => { await v.at('/my/details/phone_number'); await v.fill('said', 'ring me'); await v.click('save') }, again: true, does: { press: 'unsay', leads: 'resident_details' } },
    page('my email', 'resident_edit', '/my/details/email', { fill: { said: 'ally@example.org' }, press: 'save', leads: 'resident_code' }),
    { name: 'my email, code', shows: 'resident_code', reach: async (v) => { await v.at('/my/details/email'); await v.fill('said', 'ally@example.org'); await v.click('save') }, does: { fill: { code: (v) => v.code('ally@example.org') }, press: 'check', leads: 'resident_details' } },
    page('my details, changed', 'resident_details', '/my/details', { press: 'nav-services', leads: 'resident_services' }),
    page('my services', 'resident_services', '/my/services', { press: 'stop-library', leads: 'resident_stop' }),
    page('stop sharing', 'resident_stop', '/my/services/library/stop', { press: 'stop', leads: 'resident_services' }),
    page('my activity', 'resident_activity', '/my/activity', { press: 'to-devices', leads: 'resident_devices' }),
    page('my language', 'resident_language', '/my/language', { press: 'save', leads: 'resident_language' }),
    page('my data', 'resident_data', '/my/data', { press: 'download', downloads: 'council-account.json' }),
    { name: 'delete, not sure', shows: 'resident_delete', reach: async (v) => { await v.at('/my/delete'); await v.click('delete') }, again: true, does: { press: 'back', leads: 'resident_home' } },
    page('delete', 'resident_delete', '/my/delete', { fill: { sure: true }, press: 'delete', leads: 'resident_delete' }),
    page('my home, deleting', 'resident_home', '/', { press: 'keep', leads: 'resident_delete' }),
    page('deleting', 'resident_delete', '/my/delete', { press: 'keep', leads: 'resident_home' }),
    page('my devices', 'resident_devices', '/my/devices', { press: 'end-all', leads: 'signed_out' }),
  ],

  'staying': [
    { name: 'too late to save', shows: 'over', reach: (v) => v.savesTooLate('load-51'), again: true, does: { press: 'again', leads: 'choose' } },
    { name: 'warned', shows: 'resident_edit', first: (v) => v.signsIn('load-51'), reach: (v) => v.waits('/my/details/nickname', '59:00'), again: true, scripted: ['stay-go'], does: { fill: { said: 'Ally' }, press: 'stay-go', ends: '#stay-soon' } },
    { name: 'not there in time', shows: 'resident_edit', reach: (v) => v.waits('/my/details/nickname', '01:01:00'), again: true, scripted: ['stay-again'], does: { press: 'stay-again', leads: 'resident_edit' } },
  ],

  'the council\'s own way in': [
    { name: 'by email', shows: 'council_sign_in', reach: (v) => v.asks('tax', { connector_hint: 'email' }), does: { fill: { answer: 'jo@example.org' }, press: 'send', leads: 'council_code' }, scripted: passkeys },
    { name: 'by email, wrong', shows: 'council_sign_in', reach: async (v) => { await v.asks('tax', { connector_hint: 'email' }); await v.fill('answer', 'jo'); await v.click('send') }, again: true, does: { press: 'help', leads: 'council_help' }, scripted: passkeys },
    { name: 'code', shows: 'council_code', reach: async (v) => { await v.asks('tax', { connector_hint: 'email' }); await v.fill('answer', 'jo@example.org'); await v.click('send') }, does: { fill: { answer: (v) => v.code('jo@example.org') }, press: 'check', leads: 'council_passkey' } },
    { name: 'passkey', shows: 'council_passkey', reach: async (v) => { await v.forget(); await v.asks('tax', { connector_hint: 'email' }); await byCode(v, 'al@example.org') }, does: { press: 'later', leads: 'app' }, scripted: passkeys },
    { name: 'password', shows: 'council_password', reach: async (v) => { await v.forget(); await v.asks('tax', { connector_hint: 'email' }); await v.click('use-password') }, does: { fill: { address: 'jo@example.org', answer: 'kettle marble walrus' }, press: 'check-password', leads: 'council_password' } },
    { name: 'help', shows: 'council_help', reach: async (v) => { await v.asks('tax', { connector_hint: 'email' }); await v.click('help') }, does: { press: 'recover', leads: 'council_recover' } },
    page('recover', 'council_recover', '/council/email/recover', { fill: { answer: 'jo@example.org' }, press: 'check', leads: 'council_recover' }),
    { name: 'how you sign in', shows: 'council_account', first: async (v) => { await v.at('/council/email/account'); await byCode(v, 'jo@example.org') }, reach: (v) => v.at('/council/email/account'), does: { press: 'move', leads: 'council_move' }, scripted: passkeys },
    page('another address', 'council_move', '/council/email/account/address', { fill: { answer: 'jo.new@example.org' }, press: 'send', leads: 'council_code' }),
    page('another password', 'council_new_password', '/council/email/account/password', { fill: { answer: 'kettle marble ostrich', again: 'kettle marble ostrich' }, press: 'save-password', leads: 'council_account' }),
  ],

  'leaving': [
    { name: 'started at a provider', shows: 'unsolicited', first: (v) => v.is('load-31'), reach: (v) => v.startsAtAProvider(), does: { press: 'continue', leads: 'app' } },
    page('sign out', 'sign_out', '/sign-out', { press: 'confirm-sign-out', leads: 'signed_out' }),
    { name: 'signed out', shows: 'signed_out', first: async (v) => { await v.signsIn('load-31') }, reach: (v) => v.leaves(), again: true, does: { press: 'home', leads: 'home' } },
    { name: 'post', shows: 'post', first: async (v) => { await v.signsIn('load-31'); await v.runsNoPost() }, reach: (v) => v.at('/saml/start/one'), again: true, does: { press: 'continue', leads: 'app' } },
    { name: 'onward', shows: 'onward', reach: async (v) => { await v.signsIn('load-31'); await v.leavesSix() }, again: true, does: { press: 'continue', leads: 'app' } },
    { name: 'deleted at Facebook', shows: 'deletion', first: (v) => v.signsIn('load-32', 'facebook'), reach: (v) => v.deletesAtFacebook('load-32') },
  ],

  'what goes wrong': [
    page('not found', 'error', '/nowhere', { press: 'home', leads: 'home' }),
    page('no such app', 'error', '/authorize?client_id=nobody'),
    page('expired', 'error', '/callback/google?state=old&code=old'),
    page('too late', 'error', '/callback/one-login?state=old&code=old', { press: 'back', leads: 'resident_home' }, { first: (v) => v.is('load-41') }),
    page('a way in that is gone', 'error', '/my/sign-ins/nothing/name', { press: 'back', leads: 'resident_home' }, { first: (v) => v.signsIn('load-41') }),
  ],
}
