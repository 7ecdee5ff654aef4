// Shows examples from the column that is chosen for a field. They come from the table of
// all columns further down the page.

/** @param {HTMLElement | null} table */
export function columns(table) {
  if (!table) return
  const examples = new Map([...document.querySelectorAll('[data-column]')].map(row => [row.dataset.column, row.dataset.examples]))
  table.querySelectorAll('select').forEach(select => {
    const cell = document.getElementById(`${select.id}-examples`)
    select.addEventListener('change', () => {
      cell.textContent = examples.get(select.value) ?? '–'
    })
  })
}
