// Parts what is seen on the drop zone's button by a space: without it two words
// grow together, and what is seen is not what can be said to it (WCAG 2.5.3).

/** @param {HTMLButtonElement} button */
export function named (button) {
  button.querySelector('.govuk-file-upload-button__status').after(' ')
}
