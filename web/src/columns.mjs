// Shows the examples of the column that is chosen for a field. The table of all
// columns, further down the page, is where they come from.

/** @param {HTMLElement | null} table */
export function columns (table) {
  if (!table) return
  const examples = new Map([...document.querySelectorAll('[data-column]')].map(row => [row.dataset.column, row.dataset.examples]))
  table.querySelectorAll('select').forEach(select => {
    const cell = document.getElementById(`${select.id}-examples`)
    select.addEventListener('change', () => { cell.textContent = examples.get(select.value) ?? '–' })
  })
}
