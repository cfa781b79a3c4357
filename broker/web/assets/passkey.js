// Passkeys (WebAuthn): the page has a question of the broker's for the device,
// and a form that posts the device's answer. The page says what to do instead
// where no script runs or the browser knows no passkeys.
const form = document.getElementById("passkey");
const failed = document.getElementById("passkey-failed");

// The broker writes bytes in base64url (WebAuthn Level 3 §5.1.8 would read them,
// but older browsers cannot).
function bytes(text) {
  const base64 = text.replaceAll("-", "+").replaceAll("_", "/");
  return Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
}

function text(buffer) {
  const base64 = btoa(String.fromCharCode(...new Uint8Array(buffer)));
  return base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function named(credential) {
  return { ...credential, id: bytes(credential.id) };
}

function question() {
  const q = JSON.parse(form.dataset.question);
  q.challenge = bytes(q.challenge);
  if (q.user) q.user.id = bytes(q.user.id);
  if (q.allowCredentials) q.allowCredentials = q.allowCredentials.map(named);
  if (q.excludeCredentials) q.excludeCredentials = q.excludeCredentials.map(named);
  return { publicKey: q };
}

function answer(credential) {
  const said = credential.response;
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (said[name]) response[name] = text(said[name]);
  }
  if (said.getTransports) response.transports = said.getTransports();
  const { id, type, authenticatorAttachment } = credential;
  return {
    id, type, response, rawId: text(credential.rawId),
    authenticatorAttachment: authenticatorAttachment ?? undefined,
    clientExtensionResults: credential.getClientExtensionResults(),
  };
}

async function ask(event) {
  event.preventDefault();
  failed.hidden = true;
  try {
    const verb = form.dataset.verb; // get or create
    const credential = await navigator.credentials[verb](question());
    form.elements.credential.value = JSON.stringify(answer(credential));
  } catch {
    failed.hidden = false; // cancelled, timed out, or none that fits
    return;
  }
  form.submit();
}

if (window.PublicKeyCredential) {
  form.hidden = false;
  form.addEventListener("submit", ask);
} else {
  document.getElementById("passkey-unknown").hidden = false;
}
