// Says that a file is being sent, because a large one takes a while.

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
