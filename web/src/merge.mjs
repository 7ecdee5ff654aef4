// Adds the findings of a delivery to the rows of the user's own file: a few cells at the
// end of each row. Nothing else changes.
import { Records, Unreadable, open, turns } from './csv.mjs'

// The columns that are added. Sluis knows them and skips them
// (internal/importer/intake/columns/fields.go).
const columns = ['Fouternst', 'Foutmelding', 'Foutadvies', 'Foutcode', 'Foutbron']
const known = new Set(columns.map(plain))

const headRows = 40 // the header must be among these first rows, as in Sluis
const example = 'VOORBEELD' // the patient number of the example row, which Sluis skips

/**
 * @param {Uint8Array} bytes the user's file
 * @param {Map<number, object[]>} findings by line
 * @param {{columns: string[], number: string, records: number, rejectedOnly: boolean, words: object, progress: function(number)}} wanted
 * @returns {Promise<{parts: Uint8Array[], marked: number, records: number}>}
 */
export async function merge(bytes, findings, wanted) {
  const turn = turns()
  const file = await open(bytes, turn)
  const header = findHeader(file, wanted)
  if (!header) throw new Unreadable('header')
  const facts = await survey(file, header, findings, wanted, turn)
  if (facts.others > 0) throw Object.assign(new Unreadable('numbers'), { n: facts.others, total: facts.compared })
  const out = new Output()
  const marked = await write(file, header, facts.width, findings, wanted, out, turn)
  return { parts: out.finish(), marked, records: facts.records }
}

/** Returns the first row that has every column of the delivery. */
function findHeader(file, wanted) {
  const name = known8(file)
  const rows = new Records(file)
  for (let filled = 0; filled < headRows && rows.next();) {
    if (rows.blank()) continue
    filled++
    const cells = rows.cells()
    const names = cells.map(name)
    if (!wanted.columns.every(c => names.includes(name(c)))) continue
    return {
      line: rows.line,
      start: rows.start,
      end: rows.end,
      number: names.indexOf(name(wanted.number)),
      dropped: new Set(cells.flatMap((c, i) => (known.has(plain(c)) ? [i] : [])))
    }
  }
  return null
}

/** Returns a function that makes texts comparable. In a file of an unknown old encoding only ASCII is compared. */
function known8(file) {
  return file.old ? text => text.replace(/[^\x00-\x7f]/g, '?') : text => text
}

/** Counts the rows below the header, and finds how wide they are and whether their patient numbers match. */
async function survey(file, header, findings, wanted, turn) {
  const same = known8(file)
  const rows = new Records(file)
  const facts = { records: 0, width: 0, compared: 0, others: 0 }
  const missing = new Set(findings.keys())
  while (rows.next()) {
    if (rows.line % 256 === 0) await turn()
    if (rows.line < header.line) continue
    if (rows.line !== header.line && (rows.blank() || repeats(file, rows, header))) continue
    facts.width = Math.max(facts.width, kept(rows, header))
    if (rows.line === header.line) continue
    if (!is(file, rows, header.number, example)) facts.records++
    const found = findings.get(rows.line)
    if (!found) continue
    missing.delete(rows.line)
    const number = found.find(f => f.patientNumber !== '')?.patientNumber
    if (number === undefined) continue
    facts.compared++
    if (same(rows.cell(header.number)) !== same(number)) facts.others++
  }
  // A finding on a line that is missing or blank does not belong to this file.
  facts.compared += missing.size
  facts.others += missing.size
  return facts
}

/** Returns how many cells of a row stay. */
function kept(rows, header) {
  let n = rows.cuts.length
  for (const i of header.dropped) if (i < rows.cuts.length) n--
  return n
}

/** Reports whether a row is the header once more. */
function repeats(file, rows, header) {
  if (rows.end - rows.start !== header.end - header.start) return false
  for (let i = rows.start, k = header.start; i < rows.end; i++, k++) if (file.units[i] !== file.units[k]) return false
  return true
}

/** Compares a cell with ASCII text, without decoding it. */
function is(file, rows, i, text) {
  if (i >= rows.cuts.length) return false
  const quoted = file.units[rows.cuts[i]] === 34 ? 1 : 0
  const from = rows.cuts[i] + quoted
  if (rows.cellEnd(i) - quoted - from !== text.length) return false
  for (let k = 0; k < text.length; k++) if (file.units[from + k] !== text.charCodeAt(k)) return false
  return true
}

async function write(file, header, width, findings, wanted, out, turn) {
  const delimiter = String.fromCharCode(file.delimiter)
  const separator = file.encode(delimiter)
  const cell = text => file.encode(delimiter + quoted(text, delimiter))
  const head = columns.map(cell)
  const none = columns.map(() => separator)
  const rows = new Records(file)
  const total = file.units.length
  let marked = 0
  let copied = 0 // everything before this place has been written, or left out
  let told = 0
  while (rows.next()) {
    if (rows.line % 256 === 0) await turn()
    if (rows.at - told > total / 20) wanted.progress((told = rows.at), total)
    if (rows.line < header.line) continue
    const isHeader = rows.line === header.line
    const found = findings.get(rows.line)
    if (!isHeader && wanted.rejectedOnly && !found?.some(f => f.severity === 'fatal')) continue
    if (!isHeader && rows.blank()) continue
    // A title above the header is kept, and so is a blank line between rows.
    if (isHeader || !wanted.rejectedOnly) out.copy(file, copied, rows.start)
    body(file, rows, header, out)
    for (let n = kept(rows, header); n < width; n++) out.add(separator)
    for (const part of isHeader ? head : found ? cellsOf(found, wanted.words).map(cell) : none) out.add(part)
    out.copy(file, rows.end, rows.at)
    copied = rows.at
    if (found) marked++
  }
  if (!wanted.rejectedOnly) out.add(file.bytes.subarray(copied * file.size))
  return marked
}

/** Writes a row as it was, without the columns of an earlier report. */
function body(file, rows, header, out) {
  if (header.dropped.size === 0) return out.copy(file, rows.start, rows.end)
  let first = true
  for (let i = 0; i < rows.cuts.length; i++) {
    if (header.dropped.has(i)) continue
    out.copy(file, first ? rows.cuts[i] : rows.cuts[i] - 1, rows.cuts[i])
    out.copy(file, rows.cuts[i], rows.cellEnd(i))
    first = false
  }
}

/** Returns the cells to add to a row: its findings, the worst first, joined if there are several. */
function cellsOf(found, words) {
  const weight = { fatal: 0, review: 1, warning: 2 }
  const list = [...found].sort((a, b) => weight[a.severity] - weight[b.severity])
  const join = of => [...new Set(list.map(of).filter(Boolean))].join(' | ')
  return [join(f => words[f.severity]), join(f => f.message), join(f => f.advice), join(f => f.code), join(f => words[f.source])]
}

/** Returns a cell that no spreadsheet takes for a formula, in quotes if it needs them. */
function quoted(text, delimiter) {
  const safe = /^[=+\-@\t\r\n\0＝＋－＠]/.test(text) ? `'${text}` : text
  return safe.includes(delimiter) || /["\r\n]|^\s|\s$/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe
}

/** Normalises a header as Sluis does: only letters and digits, without accents. */
function plain(header) {
  return header
    .normalize('NFKD')
    .replace(/\p{Mn}/gu, '')
    .replace(/[^\p{L}\p{Nd}]/gu, '')
    .toLowerCase()
}

/** Collects bytes in large parts. */
class Output {
  parts = []
  part = new Uint8Array(1 << 20)
  used = 0

  copy(file, from, to) {
    if (to > from) this.add(file.bytes.subarray(from * file.size, to * file.size))
  }

  add(bytes) {
    while (bytes.length > 0) {
      const n = Math.min(bytes.length, this.part.length - this.used)
      this.part.set(bytes.subarray(0, n), this.used)
      this.used += n
      bytes = bytes.subarray(n)
      if (this.used === this.part.length) {
        this.parts.push(this.part)
        this.part = new Uint8Array(1 << 20)
        this.used = 0
      }
    }
  }

  finish() {
    this.parts.push(this.part.subarray(0, this.used))
    return this.parts
  }
}
