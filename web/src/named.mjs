// Puts a space between the visible texts of the drop zone's button. Without it two words
// become one, and the visible text is not the name that a user can say (WCAG 2.5.3).

/** @param {HTMLButtonElement} button */
export function named(button) {
  button.querySelector('.govuk-file-upload-button__status').after(' ')
}
