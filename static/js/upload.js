// Sends a video in pieces and goes on where it stopped. Without this file the form sends it whole.

const form = document.querySelector("form[data-upload]");
const texts = form.dataset;
const input = form.querySelector("input[type=file]");
const button = form.querySelector("button[type=submit]");
const stopButton = form.querySelector("[data-upload-stop]");
const box = form.querySelector("[data-upload-progress]");
const bar = box.querySelector("progress");
const words = box.querySelector("[data-upload-status]");
const TRIES = 6;
const headers = { "X-CSRFToken": form.elements.csrfmiddlewaretoken.value, "Tus-Resumable": "1.0.0" };

class Refused extends Error {}

let stopper = null;
let lastSaid = -1;

// Ahead of site.js, which keeps other forms from being sent twice.
form.addEventListener("submit", async (event) => {
  const file = input.files[0];
  if (!file) return;
  event.preventDefault();
  event.stopPropagation();
  if (stopper) return;
  if (file.size > Number(texts.most) * 1024 * 1024) return say(texts.tooLarge);
  stopper = new AbortController();
  busy(true);
  try {
    await send(file);
    sessionStorage.removeItem(keyOf(file));
    location.assign(location.pathname);
  } catch (error) {
    if (stopper.signal.aborted) say(texts.stopped);
    else say(error instanceof Refused ? error.message : texts.failed);
    busy(false);
    stopper = null;
  }
});

stopButton.addEventListener("click", () => {
  stopper?.abort();
});

async function send(file) {
  let [address, offset] = await resume(file);
  let failures = 0;
  while (offset < file.size) {
    show(offset, file.size);
    const piece = file.slice(offset, offset + Number(texts.piece));
    try {
      offset = await ask(address, {
        method: "PATCH",
        body: piece,
        headers: { ...headers, "Upload-Offset": offset, "Content-Type": "application/offset+octet-stream" },
      });
      failures = 0;
    } catch (error) {
      if (error instanceof Refused || stopper.signal.aborted || ++failures > TRIES) throw error;
      say(texts.broken);
      await new Promise((done) => setTimeout(done, 500 * 2 ** failures));
      offset = await ask(address, { method: "HEAD", headers }).catch((again) => {
        if (again instanceof Refused) throw again;
        return offset;
      });
    }
  }
  show(offset, file.size);
}

// The place of this very file from before a break or a reload, or a new one.
async function resume(file) {
  const known = sessionStorage.getItem(keyOf(file));
  if (known) {
    try {
      return [known, await ask(known, { method: "HEAD", headers })];
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      sessionStorage.removeItem(keyOf(file));
    }
  }
  const response = await call(location.pathname, { method: "POST", headers: { ...headers, "Upload-Length": file.size } });
  const address = new URL(response.headers.get("Location"), location.href).pathname;
  sessionStorage.setItem(keyOf(file), address);
  return [address, 0];
}

async function ask(address, options) {
  return Number((await call(address, options)).headers.get("Upload-Offset"));
}

// 409 at a piece means that we are wrong about the offset, and 5xx that the server is: both are asked again.
async function call(address, options) {
  const response = await fetch(address, { ...options, signal: stopper.signal });
  if (response.ok) return response;
  const isPlain = (response.headers.get("Content-Type") || "").startsWith("text/plain");
  const text = isPlain ? await response.text() : "";
  const mayPass = response.status >= 500 || (response.status === 409 && options.method === "PATCH");
  if (mayPass && !(response.status === 503 && text)) throw new Error(String(response.status));
  throw new Refused(text || texts.failed);
}

function keyOf(file) {
  return `upload ${location.pathname} ${file.size} ${file.lastModified} ${file.name}`;
}

function show(offset, size) {
  const percent = Math.floor((offset / size) * 100);
  bar.value = percent;
  // Read out every tenth part, not every piece.
  if (Math.floor(percent / 10) === lastSaid) return;
  lastSaid = Math.floor(percent / 10);
  say(`${texts.sending}: ${percent} %`);
}

function say(text) {
  box.hidden = false;
  words.textContent = text;
}

function busy(isBusy) {
  lastSaid = -1;
  input.disabled = isBusy;
  stopButton.hidden = !isBusy;
  if (isBusy) button.setAttribute("aria-disabled", "true");
  else button.removeAttribute("aria-disabled");
}
