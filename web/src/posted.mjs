// Takes what was sent out of the browser's history. A browser keeps the content of a form
// with the page that answered it, and writes it to the disk some seconds later, so that it
// can open that page again after a restart. The page that answers a form has this script
// before everything else: app.mjs only runs once the page is read to its end, and a browser
// with much to do has written by then.

/** The address of the page, to be asked for without a form. @type {string | undefined} */
const address = document.currentScript?.dataset.address
if (address) history.replaceState(null, '', address)
