/** Scripts of the shop's pages, served below `/app`. */

/** Puts what a login gave into the three kinds of web storage. */
export const keepScript = `
function keep({ auth, tab, cart }) {
  localStorage.setItem('auth', JSON.stringify(auth))
  sessionStorage.setItem('tab', tab)
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open('shop', 1)
    opening.onupgradeneeded = () => opening.result.createObjectStore('cart', { keyPath: 'id' })
    opening.onerror = () => reject(opening.error)
    opening.onsuccess = () => {
      const writing = opening.result.transaction('cart', 'readwrite')
      writing.objectStore('cart').put({ id: 'current', note: cart, items: ['Lamp no. 1'] })
      writing.oncomplete = () => { opening.result.close(); resolve() }
      writing.onerror = () => reject(writing.error)
    }
  })
}`

/** The form does not exist until this has run, and it is never submitted as a form. */
export const loginScript = `${keepScript}
setTimeout(() => {
  document.getElementById('app').innerHTML =
    '<h1>Sign in</h1><div><label>Email <input type="email" name="email" autocomplete="username"></label>' +
    '<label>Password <input type="password" name="password" autocomplete="current-password"></label>' +
    '<button type="button">Sign in</button></div><p role="alert" hidden></p>'
  const [email, password] = document.querySelectorAll('input')
  const signIn = async () => {
    const answer = await fetch('/api/login', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: email.value, password: password.value }),
    })
    const facts = await answer.json()
    if (!answer.ok) {
      const alert = document.querySelector('[role=alert]')
      alert.textContent = facts.error
      alert.hidden = false
      return
    }
    await keep(facts)
    location.assign('/account')
  }
  document.querySelector('button').addEventListener('click', signIn)
  password.addEventListener('keydown', (event) => { if (event.key === 'Enter') signIn() })
}, 150)`

/**
 * The dashboard. Without its storage it is signed out, whatever the cookies say; a dead token is renewed once by
 * the cookie. The script's tag names the origin of the API.
 */
export const accountScript = `
const api = document.currentScript.dataset.api
const put = (id, text) => { document.querySelector('[data-testid=' + id + ']').textContent = text }
const note = (name, answer) => {
  const item = document.createElement('li')
  item.textContent = name + ' ' + answer.status
  document.querySelector('[data-testid=calls]').append(item)
}
const cookie = (name) => document.cookie.split('; ').find((pair) => pair.startsWith(name + '='))?.slice(name.length + 1)
const me = () => fetch(api + '/me', {
  headers: { Authorization: 'Bearer ' + JSON.parse(localStorage.getItem('auth')).token },
})
const run = async () => {
  if (localStorage.getItem('auth') === null) return location.replace('/login?signed-out')
  let answer = await me()
  if (answer.status === 401) {
    const renewed = await fetch('/api/session')
    if (!renewed.ok) return location.replace('/login?signed-out')
    localStorage.setItem('auth', JSON.stringify((await renewed.json()).auth))
    answer = await me()
  }
  note('me', answer)
  put('greeting', 'Hello, ' + (await answer.json()).name)
  note('seen', await fetch('/api/seen', { method: 'POST', headers: { 'X-CSRF-Token': cookie('csrf') } }))
  const tab = sessionStorage.getItem('tab')
  if (tab !== null) note('tab', await fetch('/api/tab', { headers: { 'X-Tab': tab } }))
  put('status', tab === null ? 'ready without tab' : 'ready')
}
run()`

/** The total stands nowhere in the HTML and in no single answer; its element comes with it. */
export const reportScript = `
const total = async () => {
  let cents = 0
  for (const page of [1, 2, 3]) {
    const answer = await fetch('/api/orders?page=' + page)
    for (const order of await answer.json()) cents += order.cents
  }
  const output = document.createElement('output')
  output.dataset.testid = 'total'
  output.textContent = (cents / 100).toFixed(2) + ' EUR'
  document.querySelector('p').append(output)
}
total()`

/** Ends the redirect login: keeps what the tag of the script carries, then goes on. */
export const welcomeScript = `${keepScript}
keep(JSON.parse(document.currentScript.dataset.facts)).then(() => location.replace('/account'))`

/** Vendor snippets: cookies on the site that embeds them, written by script, and one storage item. */
export const trackerScript = `
const id = () => Math.floor(1e9 * (1 + Math.random()))
const now = Math.floor(Date.now() / 1000)
const site = location.hostname.split('.').slice(-2).join('.')
const set = (name, value, seconds) => {
  if (document.cookie.split('; ').some((pair) => pair.startsWith(name + '='))) return
  document.cookie = name + '=' + value + '; path=/; domain=' + site + '; max-age=' + seconds + '; samesite=lax'
}
set('_ga', 'GA1.1.' + id() + '.' + now, 34560000)
set('_ga_XL2K8T4Q9Z', 'GS1.1.' + now + '.1.0.' + now + '.0.0.0', 34560000)
set('_gid', 'GA1.2.' + id() + '.' + now, 86400)
set('_fbp', 'fb.1.' + now + '000.' + id(), 7776000)
set('_gcl_au', '1.1.' + id() + '.' + now, 7776000)
set('_hjSessionUser_3141592', btoa(JSON.stringify({ id: id(), created: now })), 31536000)
localStorage.setItem('_gcl_ls', JSON.stringify({ schema: 'gcl', timestamp: now }))
new Image().src = new URL('/collect?page=' + encodeURIComponent(location.pathname), document.currentScript.src)`

export const appScripts: Readonly<Record<string, string>> = {
  '/app/login.js': loginScript,
  '/app/account.js': accountScript,
  '/app/report.js': reportScript,
  '/app/welcome.js': welcomeScript,
}
