// Takes what was sent out of the browser's history. A browser keeps the content of a form
// with the page that answered it, and writes it to the disk so that it can open that page
// again after a restart.

/** @param {string | undefined} address of the page, to be asked for without a form */
export function posted(address) {
  if (address) history.replaceState(null, '', address)
}
