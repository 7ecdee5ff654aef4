// Reads a CSV file as Sluis does (internal/importer/intake/tabular): the same
// encodings, delimiter, quotes and line numbers. It works on the bytes of the file, so
// that everything that it does not change stays exactly as it was.

const LF = 10
const CR = 13
const QUOTE = 34
const sniffed = 64 << 10

/** A file that cannot be read; code is one of the page's texts. */
export class Unreadable extends Error {
  constructor(code) {
    super(code)
    this.code = code
  }
}

// The first bytes of workbooks, and of other files that are not text.
const workbooks = ['PK\x03\x04', '\xD0\xCF\x11\xE0']
const others = ['%PDF-', '\x1F\x8B', 'Rar!', '7z\xBC\xAF', '\x89PNG', '\xFF\xD8\xFF', '{\\rtf']

/** Returns a function that lets the page do its own work now and then, so that it does not freeze. */
export function turns() {
  let last = performance.now()
  return async () => {
    if (performance.now() - last < 12) return
    await new Promise(resolve => setTimeout(resolve))
    last = performance.now()
  }
}

/**
 * Opens a file: finds its encoding and the delimiter of its cells.
 * @param {Uint8Array} bytes
 */
export async function open(bytes, turn = turns()) {
  const text = await decoded(bytes, turn)
  const { units, start } = text
  const end = Math.min(units.length, start + sniffed)
  let feeds = false
  let returns = false
  let filled = false
  for (let i = start; i < end; i++) {
    if (units[i] === LF) feeds = true
    else if (units[i] === CR) returns = true
    else if (units[i] > 32) filled = true
  }
  if (!filled) throw new Unreadable('empty')
  const file = { ...text, returns: returns && !feeds, delimiter: 0, first: start }
  const line = file.read(start, Math.min(start + 8, units.length)).replaceAll(file.returns ? '\r' : '\n', '\n')
  const fed = line.indexOf('\n')
  if (/^sep=/i.test(line) && (fed === 5 || fed === 6)) {
    file.delimiter = units[start + 4]
    file.first = start + fed + 1
    return file
  }
  file.delimiter = sniff(file, end)
  return file
}

/** Returns the delimiter that cuts most of the first rows into the same number of cells. */
function sniff(file, end) {
  let best = { delimiter: 59, width: 1, rows: 0 }
  for (const c of ';,\t|') {
    const delimiter = c.charCodeAt(0)
    const rows = new Records({ ...file, delimiter }, end)
    const counts = new Map()
    for (let i = 0; i < 20 && rows.next(); i++) {
      if (rows.cuts.length > 1) counts.set(rows.cuts.length, (counts.get(rows.cuts.length) ?? 0) + 1)
    }
    let usual = { delimiter, width: 1, rows: 0 }
    for (const [width, n] of counts) {
      if (n > usual.rows) usual = { delimiter, width, rows: n }
    }
    if (usual.rows > best.rows || (usual.rows === best.rows && usual.width > best.width)) best = usual
  }
  return best.delimiter
}

/** Finds the encoding: by a byte order mark, by the zeros of UTF-16, or by bytes that are not UTF-8. */
async function decoded(bytes, turn) {
  const head = bytes.subarray(0, sniffed)
  const begins = magic => [...magic].every((c, i) => head[i] === c.charCodeAt(0))
  if (begins('\xEF\xBB\xBF')) return eight(bytes, 3, 'utf-8', true)
  if (begins('\xFF\xFE')) return sixteen(bytes, 1, true)
  if (begins('\xFE\xFF')) return sixteen(bytes, 1, false)
  const zeros = [0, 0]
  head.forEach((b, i) => {
    if (b === 0) zeros[i % 2]++
  })
  if (zeros[0] + zeros[1] > 0) {
    if (zeros[1] > head.length / 3 && zeros[0] === 0) return sixteen(bytes, 0, true)
    if (zeros[0] > head.length / 3 && zeros[1] === 0) return sixteen(bytes, 0, false)
    throw new Unreadable('not_text')
  }
  if (workbooks.some(begins)) throw new Unreadable('workbook')
  if (others.some(begins)) throw new Unreadable('not_text')
  const strict = new TextDecoder('utf-8', { fatal: true })
  let plain = true
  try {
    for (let i = 0; i < bytes.length; i += 1 << 18) {
      const part = bytes.subarray(i, i + (1 << 18))
      plain = plain && !part.some(b => b > 127)
      strict.decode(part, { stream: true })
      await turn()
    }
    strict.decode()
  } catch {
    return { ...eight(bytes, 0, 'windows-1252', false), old: true }
  }
  return eight(bytes, 0, 'utf-8', !plain)
}

/** A text with one byte per unit. Text added to it may be more than ASCII only if wide is true. */
function eight(bytes, start, encoding, wide) {
  const decoder = new TextDecoder(encoding, { ignoreBOM: true })
  const encoder = new TextEncoder()
  return {
    bytes,
    units: bytes,
    size: 1,
    start,
    read: (from, to) => decoder.decode(bytes.subarray(from, to)),
    encode: text => encoder.encode(wide ? text : ascii(text))
  }
}

/** A text with two bytes per unit. */
function sixteen(bytes, start, little) {
  const units = new Uint16Array(bytes.length >> 1)
  for (let i = 0; i < units.length; i++) {
    units[i] = little ? bytes[2 * i] | (bytes[2 * i + 1] << 8) : (bytes[2 * i] << 8) | bytes[2 * i + 1]
  }
  return {
    bytes,
    units,
    size: 2,
    start,
    read: (from, to) => {
      let text = ''
      for (let i = from; i < to; i++) text += String.fromCharCode(units[i])
      return text
    },
    encode: text => {
      const out = new Uint8Array(2 * text.length)
      for (let i = 0; i < text.length; i++) {
        const c = text.charCodeAt(i)
        out[2 * i] = little ? c & 255 : c >> 8
        out[2 * i + 1] = little ? c >> 8 : c & 255
      }
      return out
    }
  }
}

const simple = { '“': '"', '”': '"', '„': '"', '‘': "'", '’': "'", '–': '-', '—': '-', '…': '...', '€': 'EUR', ß: 'ss' }

/**
 * Writes text in ASCII, without accents. For a file in an old encoding it is not known
 * which other letters it can have. A file of only ASCII may be opened in any encoding.
 */
function ascii(text) {
  return text
    .replace(/[“”„‘’–—…€ß]/g, c => simple[c])
    .normalize('NFD')
    .replace(/\p{M}/gu, '')
    .replace(/[^\x00-\x7f]/g, '?')
}

/**
 * Reads the records of a file one by one: where a record begins and ends, where its
 * cells begin, and its line number as a spreadsheet shows it.
 */
export class Records {
  constructor(file, end = file.units.length) {
    this.file = file
    this.limit = end
    this.at = file.first
    this.line = 0
    this.start = this.end = 0
    this.cuts = []
  }

  /** Returns where the line that begins at from ends, and where the next line begins. */
  lineEnd(from) {
    const { units, returns } = this.file
    for (let i = from; i < this.limit; i++) {
      if (units[i] === LF) {
        this.content = !returns && i > from && units[i - 1] === CR ? i - 1 : i
        this.after = i + 1
        return
      }
      if (returns && units[i] === CR) {
        this.content = i
        this.after = i + 1
        return
      }
    }
    this.content = !returns && this.limit > from && units[this.limit - 1] === CR ? this.limit - 1 : this.limit
    this.after = this.limit
  }

  /** Goes to the next record; returns false if there is none. Empty lines count for the line number. */
  next() {
    const { units, delimiter } = this.file
    for (;;) {
      if (this.at >= this.limit) return false
      this.line++
      this.lineEnd(this.at)
      if (this.content > this.at) break
      this.at = this.after
    }
    this.start = this.at
    this.cuts.length = 0
    let at = this.start
    for (let more = true; more;) {
      this.cuts.push(at)
      at = at < this.content && units[at] === QUOTE ? this.quoted(at + 1) : this.find(delimiter, at)
      more = at >= 0
      if (more) at++
    }
    this.end = this.content
    this.at = this.after
    return true
  }

  find(unit, from) {
    const { units } = this.file
    for (let i = from; i < this.content; i++) {
      if (units[i] === unit) return i
    }
    return -1
  }

  /** Skips a cell in quotes. Returns the place of its delimiter, or -1 if the record ends there. */
  quoted(at) {
    const { units, delimiter } = this.file
    for (;;) {
      const quote = this.find(QUOTE, at)
      if (quote < 0) {
        if (this.after >= this.limit) return -1
        at = this.after
        this.lineEnd(at)
        continue
      }
      at = quote + 1
      if (at >= this.content) return -1
      if (units[at] === delimiter) return at
      if (units[at] === QUOTE) at++
    }
  }

  /** Returns where cell i ends. */
  cellEnd(i) {
    return i + 1 < this.cuts.length ? this.cuts[i + 1] - 1 : this.end
  }

  /** Returns the content of cell i, as Sluis reads it. */
  cell(i) {
    if (i < 0 || i >= this.cuts.length) return ''
    return trim(unquoted(this.file.read(this.cuts[i], this.cellEnd(i))))
  }

  cells() {
    return this.cuts.map((_, i) => this.cell(i))
  }

  /** Reports whether all cells are empty. */
  blank() {
    const { units, delimiter } = this.file
    let doubtful = false
    for (let i = this.start; i < this.end; i++) {
      const u = units[i]
      if (u === delimiter || u === QUOTE || u === 32 || (u >= 9 && u <= 13) || u === 26) continue
      if (u < 128) return false
      doubtful = true
    }
    return !doubtful || this.cells().every(c => c === '')
  }
}

function unquoted(raw) {
  if (raw[0] !== '"') return raw
  let out = ''
  for (let rest = raw.slice(1); ;) {
    const quote = rest.indexOf('"')
    if (quote < 0) return out + rest
    out += rest.slice(0, quote)
    rest = rest.slice(quote + 1)
    if (rest === '') return out
    out += '"'
    if (rest[0] === '"') rest = rest.slice(1)
  }
}

function trim(text) {
  return text.replace(/^[ \t\r\n\f\x1a\u00a0\ufeff]+|[ \t\r\n\f\x1a\u00a0\ufeff]+$/g, '')
}
