// Lets a whole date be pasted into the day field of a date in three parts.

const dutch = /^\s*(\d{1,2})[-/. ](\d{1,2})[-/. ](\d{4})\s*$/
const iso = /^\s*(\d{4})-(\d{1,2})-(\d{1,2})\s*$/

/** @param {HTMLElement} group */
export function dates(group) {
  const [day, month, year] = group.querySelectorAll('input')
  day.addEventListener('paste', event => {
    const text = event.clipboardData.getData('text')
    const d = dutch.exec(text)
    const i = iso.exec(text)
    if (!d && !i) return
    event.preventDefault()
    ;[day.value, month.value, year.value] = d ? d.slice(1) : i.slice(1).reverse()
    year.focus()
  })
}
