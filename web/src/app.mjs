// Everything that Sluis does in the browser. Each page works without it.
import { Button, ErrorSummary, FileUpload, NotificationBanner, PasswordInput, ServiceNavigation, SkipLink, createAll } from 'govuk-frontend'
import { columns } from './columns.mjs'
import { dates } from './dates.mjs'
import { named } from './named.mjs'
import { ownFile } from './ownfile.mjs'
import { passkey } from './passkey.mjs'
import { printing } from './printing.mjs'
import { progress } from './progress.mjs'
import { sending } from './sending.mjs'
import { session } from './session.mjs'

document.body.classList.add('js-enabled')
if ('noModule' in HTMLScriptElement.prototype) {
  document.body.classList.add('govuk-frontend-supported')
}

for (const component of [Button, ErrorSummary, FileUpload, NotificationBanner, PasswordInput, ServiceNavigation, SkipLink]) {
  createAll(component)
}

document.querySelectorAll('.govuk-file-upload-button').forEach(named)

columns(document.querySelector('[data-columns]'))
ownFile(document.querySelector('[data-own-file]'))
progress(document.querySelector('[data-progress]'))
sending(document.querySelector('[data-sending]'))
session(document.querySelector('[data-session]'))
document.querySelectorAll('[data-passkey]').forEach(passkey)
document.querySelectorAll('[data-date]').forEach(dates)
document.querySelectorAll('[data-print]').forEach(printing)
