// Signs in with a passkey, and makes one. The form gets the browser's answer in a hidden
// input and is sent as any other form; without script its page has another way.

const bytes = text => Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), c => c.charCodeAt(0))
const text = buffer =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replace(/\+/g, '-')
    .replace(/\//g, '_')
    .replace(/=+$/, '')

/** @param {HTMLFormElement} form */
export function passkey(form) {
  const part = name => form.querySelector(`[data-passkey-${name}]`)
  const show = (name, visible) => {
    if (part(name)) part(name).hidden = !visible
  }
  if (!window.PublicKeyCredential) {
    show('plain', false)
    show('none', true)
    return
  }
  const words = JSON.parse(form.dataset.texts)
  const go = part('go')
  show('plain', false)
  show('part', true)

  function wrong(message) {
    const p = document.createElement('p')
    p.className = 'govuk-error-message'
    p.textContent = message
    part('error').replaceChildren(...(message ? [p] : []))
  }

  go.addEventListener('click', async () => {
    wrong('')
    go.disabled = true
    part('status').textContent = words.busy
    try {
      const answer = await fetch(form.dataset.options, { method: 'POST', credentials: 'same-origin', redirect: 'error' })
      if (!answer.ok) throw new Error(String(answer.status))
      const { publicKey } = await answer.json()
      part('answer').value = JSON.stringify(await (form.dataset.passkey === 'create' ? create(publicKey) : get(publicKey)))
      form.submit()
    } catch (e) {
      part('status').textContent = ''
      go.disabled = false
      wrong({ NotAllowedError: words.cancelled, InvalidStateError: words.exists }[e.name] ?? words.failed)
      go.focus()
    }
  })
}

const descriptors = list => list?.map(d => ({ ...d, id: bytes(d.id) }))

async function create(options) {
  const made = await navigator.credentials.create({
    publicKey: {
      ...options,
      challenge: bytes(options.challenge),
      user: { ...options.user, id: bytes(options.user.id) },
      excludeCredentials: descriptors(options.excludeCredentials)
    }
  })
  return {
    ...common(made),
    response: {
      clientDataJSON: text(made.response.clientDataJSON),
      attestationObject: text(made.response.attestationObject),
      transports: made.response.getTransports?.() ?? []
    }
  }
}

async function get(options) {
  const given = await navigator.credentials.get({
    publicKey: { ...options, challenge: bytes(options.challenge), allowCredentials: descriptors(options.allowCredentials) }
  })
  const { clientDataJSON, authenticatorData, signature, userHandle } = given.response
  return {
    ...common(given),
    response: {
      clientDataJSON: text(clientDataJSON),
      authenticatorData: text(authenticatorData),
      signature: text(signature),
      userHandle: userHandle ? text(userHandle) : undefined
    }
  }
}

const common = credential => ({
  id: credential.id,
  rawId: text(credential.rawId),
  type: credential.type,
  authenticatorAttachment: credential.authenticatorAttachment ?? undefined,
  clientExtensionResults: credential.getClientExtensionResults()
})
