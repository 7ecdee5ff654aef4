// Eigen bestand met foutmeldingen: reads the user's own file in the browser, fetches the
// findings of its delivery, and returns the file with the findings after its rows.
// Nothing of the file leaves the browser.
import { Unreadable } from './csv.mjs'
import { merge } from './merge.mjs'

/** @param {HTMLElement | null} root */
export function ownFile(root) {
  if (!root) return
  const texts = JSON.parse(root.dataset.texts)
  const part = name => root.querySelector(`[data-own-${name}]`)
  const [form, group, error, status, done, link, go] = ['form', 'group', 'error', 'status', 'done', 'link', 'go'].map(part)
  const input = root.querySelector('input[type=file]')
  const lang = document.documentElement.lang
  let address = ''

  const say = (key, values = {}) =>
    Object.entries(values).reduce(
      (text, [name, value]) => text.replace(`{${name}}`, typeof value === 'number' ? value.toLocaleString(lang) : value),
      texts[key] ?? key
    )

  function wrong(text) {
    error.textContent = text
    error.hidden = text === ''
    group.classList.toggle('govuk-form-group--error', text !== '')
    input.classList.toggle('govuk-file-upload--error', text !== '')
  }

  function forget() {
    URL.revokeObjectURL(address)
    link.removeAttribute('href')
    address = ''
    done.hidden = true
  }

  /** Shows the progress. A screen reader says only each quarter. */
  function progress(at, total) {
    const n = Math.floor((4 * at) / total) * 25
    if (n > 0 && n < 100) status.textContent = say('busy', { n })
  }

  async function run() {
    const file = input.files[0]
    forget()
    wrong('')
    status.textContent = ''
    if (!file) {
      wrong(say('choose'))
      input.focus()
      return
    }
    go.disabled = true
    status.textContent = say('busy', { n: 0 })
    try {
      const bytes = await file.arrayBuffer().catch(() => {
        throw new Unreadable('failed')
      })
      if (bytes.byteLength === 0) throw new Unreadable('empty')
      const findings = await fetchFindings(root.dataset.findings, new Set(JSON.parse(root.dataset.reviews)))
      const rejectedOnly = root.querySelector('[name=own-rows]:checked')?.value === 'rejected'
      if (rejectedOnly && ![...findings.values()].some(list => list.some(f => f.severity === 'fatal'))) throw new Unreadable('none')
      const made = await merge(new Uint8Array(bytes), findings, {
        columns: JSON.parse(root.dataset.columns),
        number: root.dataset.number,
        rejectedOnly,
        words: texts,
        progress
      })
      hand(made, file.name, rejectedOnly)
    } catch (e) {
      status.textContent = ''
      wrong(say(e instanceof Unreadable ? e.code : 'failed', { n: e.n ?? 0, total: e.total ?? 0 }))
    } finally {
      go.disabled = false
      go.focus()
    }
  }

  function hand(made, name, rejectedOnly) {
    address = URL.createObjectURL(new Blob(made.parts, { type: 'text/csv' }))
    const dot = name.lastIndexOf('.') > 0 ? name.lastIndexOf('.') : name.length
    link.download = `${name.slice(0, dot)}-${say(rejectedOnly ? 'suffix_rejected' : 'suffix_all')}${name.slice(dot) || '.csv'}`
    link.href = address
    link.textContent = say('again', { file: link.download })
    done.hidden = false
    link.click()
    const total = Number(root.dataset.records)
    const differs = made.records === total ? '' : say('records', { n: made.records, total }) + ' '
    status.textContent = differs + say('done', { n: made.marked })
  }

  part('plain').hidden = true
  form.hidden = false
  go.addEventListener('click', run)
  input.addEventListener('change', () => {
    wrong('')
    status.textContent = ''
    forget()
  })
  addEventListener('pagehide', forget)
}

/**
 * Fetches the report. Each of its lines is one finding (internal/server/report/json.go).
 * @returns {Promise<Map<number, object[]>>} the findings by line
 */
async function fetchFindings(address, reviews) {
  const byLine = new Map()
  const once = new Map()
  const same = text => once.get(text) ?? (once.set(text, text), text)
  let whole = false
  const add = line => {
    whole = line.endsWith(']}')
    const text = line.endsWith('}]}') ? line.slice(0, -2) : line.replace(/,$/, '')
    if (!text.startsWith('{"line"')) return
    const f = JSON.parse(text)
    const severity = f.severity === 'warning' && f.source === 'sluis' && reviews.has(f.code) ? 'review' : f.severity
    const kept = {
      patientNumber: f.patientNumber,
      severity,
      source: same(f.source),
      code: same(f.code),
      message: same(f.message),
      advice: same(f.advice)
    }
    byLine.set(f.line, [...(byLine.get(f.line) ?? []), kept])
  }
  try {
    const answer = await fetch(address, { credentials: 'same-origin', redirect: 'error' })
    if (!answer.ok) throw new Error(String(answer.status))
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader()
    let rest = ''
    for (;;) {
      const { value, done } = await reader.read()
      if (done) break
      const lines = (rest + value).split('\n')
      rest = lines.pop()
      lines.forEach(add)
    }
    if (rest !== '') add(rest)
    if (!whole) throw new Error('broken off')
  } catch {
    throw new Unreadable('findings')
  }
  return byLine
}
