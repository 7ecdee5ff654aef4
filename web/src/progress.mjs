// Follows a delivery by server-sent events. Each event is the whole state, so
// that a lost connection costs nothing; the browser connects again by itself.

/** @param {HTMLElement | null} root */
export function progress(root) {
  if (!root) return
  const bar = root.querySelector('progress')
  const line = root.querySelector('[data-progress-text]')
  const spoken = root.querySelector('[data-progress-status]')
  const refresh = root.querySelector('[data-progress-refresh]')
  let quarter = -1
  let phase = ''
  const left = root.querySelector('[data-progress-left]')
  const next = document.querySelector('[data-progress-next]')
  let turning = 0

  // The page changes between paused and not paused only when that has lasted a moment:
  // a TTP that fails now and then must not make the page flicker.
  function turn(pause) {
    if (pause === (root.dataset.pause ?? '')) {
      clearTimeout(turning)
      turning = 0
    } else if (!turning) {
      turning = setTimeout(() => location.reload(), 2000)
    }
  }

  const source = new EventSource(root.dataset.progress)
  source.addEventListener('open', () => {
    refresh.hidden = true
  })
  source.addEventListener('error', () => {
    refresh.hidden = false
  })
  source.addEventListener('progress', event => {
    const now = JSON.parse(event.data)
    bar.value = now.percent
    line.textContent = now.text
    left.textContent = now.left
    steps(root, now.step)
    if (next && now.next) next.textContent = now.next
    turn(now.pause ?? '')
    // A screen reader says only each quarter and each new step, not each event.
    if (now.step !== phase || Math.floor(now.percent / 25) !== quarter) {
      phase = now.step
      quarter = Math.floor(now.percent / 25)
      spoken.textContent = now.text
    }
  })
  source.addEventListener('done', () => {
    source.close()
    location.reload()
  })
  // A page that the browser keeps in its back cache must not keep a connection open.
  addEventListener('pagehide', () => source.close())
}

/** Marks the steps before the current one as done, and the later ones as to do. */
function steps(root, current) {
  const list = root.querySelector('[data-steps]')
  const items = [...list.querySelectorAll('[data-step]')]
  const at = items.findIndex(item => item.dataset.step === current)
  if (at < 0) return
  items.forEach((item, i) => {
    const state = i < at ? 'done' : i === at ? 'current' : 'todo'
    item.className = `app-steps__item app-steps__item--${state}`
    if (state === 'current') item.setAttribute('aria-current', 'step')
    else item.removeAttribute('aria-current')
    item.querySelector('[data-step-word]').textContent = list.dataset[state]
  })
}
