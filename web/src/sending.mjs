// Says that a file is on its way, for a large one takes a while.

/** @param {HTMLFormElement | null} form */
export function sending(form) {
  if (!form) return
  const status = form.querySelector('[data-sending-status]')
  form.addEventListener('submit', () => {
    status.textContent = form.dataset.sending
  })
  addEventListener('pageshow', () => {
    status.textContent = ''
  })
}
