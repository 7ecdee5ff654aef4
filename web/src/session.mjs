// Warns two minutes before the session ends, in every tab. When it has ended, nothing of
// a patient stays in sight: the tab goes to the sign-in page or, if something was filled
// in, covers the page until its user has signed in again in another tab.

const warning = 120_000

/** @param {HTMLDialogElement | null} dialog */
export function session(dialog) {
  const tabs = new BroadcastChannel('sluis-session')
  if (!dialog) {
    // Whoever has just signed out here has signed out in the other tabs too.
    tabs.postMessage({ ask: true })
    return
  }
  const part = name => dialog.querySelector(`[data-session-part=${name}]`)
  const failed = dialog.querySelector('[data-session-failed]')
  let idleEnds = 0
  let lifeEnds = 0
  let shown = ''
  let closed = false // by the user, who has read it
  let asking = false
  let again = false
  let typed = hasText()

  function set({ idle, life }) {
    idleEnds = Date.now() + idle * 1000
    lifeEnds = Date.now() + life * 1000
  }

  function show(name) {
    if (shown === name) return
    shown = name
    for (const p of ['idle', 'life', 'ended']) part(p).hidden = p !== name
    failed.hidden = true
    dialog.setAttribute('aria-labelledby', `session-title-${name}`)
    dialog.setAttribute('aria-describedby', `session-text-${name}`)
    if (dialog.open) dialog.close()
    dialog.showModal()
    part(name).querySelector('button, a').focus()
  }

  function hide() {
    shown = ''
    closed = false
    document.body.classList.remove('app-covered')
    if (dialog.open) dialog.close()
  }

  /** Returns how long the session lives, or null if it has ended; undefined without an answer. */
  async function ask(method) {
    try {
      const answer = await fetch(dialog.dataset.session, { method, redirect: 'manual', cache: 'no-store' })
      if (answer.ok) return await answer.json()
      return answer.type === 'opaqueredirect' ? null : undefined
    } catch {
      return undefined
    }
  }

  /** Asks the server how it is: another tab or window may have used the session. */
  async function look() {
    if (asking) {
      again = true // the answer under way may be too old
      return
    }
    asking = true
    const now = await ask('GET')
    asking = false
    if (again) {
      again = false
      look()
      return
    }
    if (now === null || (now && now.who !== dialog.dataset.who)) {
      end(now !== null)
    } else if (now) {
      set(now)
      if (Math.min(idleEnds, lifeEnds) - Date.now() > warning) hide()
      else warn()
    } else if (Math.min(idleEnds, lifeEnds) <= Date.now()) {
      end(false)
    } else {
      warn()
    }
  }

  function warn() {
    if (!closed) show(lifeEnds <= idleEnds ? 'life' : 'idle')
  }

  function end(somebodyElse) {
    if (typed && !somebodyElse) {
      document.body.classList.add('app-covered')
      show('ended')
    } else {
      location.replace(dialog.dataset.back)
    }
  }

  function tick() {
    if (shown === 'ended') return
    const left = Math.min(idleEnds, lifeEnds) - Date.now()
    if (left > warning) {
      if (shown || closed) hide()
    } else if (left <= 0 || !(shown || closed)) {
      look()
    }
  }

  dialog.querySelector('[data-session-extend]').addEventListener('click', async () => {
    const now = await ask('POST')
    if (now === undefined) {
      failed.hidden = false
    } else if (now === null) {
      end(false)
    } else {
      set(now)
      tabs.postMessage(now)
      tick()
    }
  })
  dialog.querySelector('[data-session-close]').addEventListener('click', () => dialog.close())
  dialog.querySelector('[data-session-leave]').addEventListener('click', () => location.replace(dialog.dataset.back))
  dialog.addEventListener('cancel', event => {
    if (shown === 'ended') event.preventDefault()
  })
  dialog.addEventListener('close', () => {
    if (dialog.open) return // it shows another part
    if (shown === 'ended')
      dialog.showModal() // a browser lets Escape through the second time
    else if (shown) closed = true
    if (closed) shown = ''
  })
  tabs.addEventListener('message', ({ data }) => {
    if (data.ask || data.who !== dialog.dataset.who || shown === 'ended') {
      // The user came back, signed out, or is somebody else.
      if (shown === 'ended') comeBack()
      else look()
    } else {
      set(data)
      tick()
    }
  })

  /** Uncovers the page if the same user has signed in again. */
  async function comeBack() {
    const now = await ask('GET')
    if (!now) return
    if (now.who !== dialog.dataset.who) {
      location.replace(dialog.dataset.back)
      return
    }
    set(now)
    hide()
  }

  document.addEventListener('visibilitychange', () => {
    if (document.hidden) return
    if (shown === 'ended') comeBack()
    else tick()
  })
  addEventListener('pageshow', event => {
    if (event.persisted) look() // from the back cache: who is signed in now?
  })
  document.addEventListener('input', () => {
    typed = true
  })
  document.addEventListener('submit', () => {
    typed = false
  })

  set({ idle: Number(dialog.dataset.idle), life: Number(dialog.dataset.life) })
  tabs.postMessage({ idle: Number(dialog.dataset.idle), life: Number(dialog.dataset.life), who: dialog.dataset.who })
  setInterval(tick, 1000)
  tick()
}

/** Reports whether the page came with text in a form: that of a user who made a mistake in it. */
function hasText() {
  if (!document.querySelector('main .govuk-error-summary')) return false
  const fields = document.querySelectorAll('main form[method=post] :is(input:not([type=hidden], [type=radio], [type=checkbox]), textarea)')
  return [...fields].some(field => field.value !== '')
}
