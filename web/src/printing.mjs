// Shows the print button: without JavaScript the browser's own menu does it.

/** @param {HTMLButtonElement} button */
export function printing(button) {
  button.hidden = false
  button.addEventListener('click', () => print())
}
