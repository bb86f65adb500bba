// Solves the task of a form marked data-proof before it is sent: <input name="proof"> gets the solution.
// Without this file, or without Web Crypto, the server says so and orders nothing.

const AT_ONCE = 8;
const LIMIT = 100000;

const bytesOf = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (pair) => parseInt(pair, 16));
const hexOf = (buffer) => Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");

async function keyOf(parameters, counter) {
  const nonce = bytesOf(parameters.nonce);
  const password = new Uint8Array(nonce.length + 4);
  password.set(nonce);
  new DataView(password.buffer).setUint32(nonce.length, counter);
  const key = await crypto.subtle.importKey("raw", password, "PBKDF2", false, ["deriveBits"]);
  const how = { name: "PBKDF2", hash: "SHA-256", salt: bytesOf(parameters.salt), iterations: parameters.cost };
  return hexOf(await crypto.subtle.deriveBits(how, key, parameters.keyLength * 8));
}

async function solve(task) {
  for (let start = 0; start < LIMIT; start += AT_ONCE) {
    const counters = Array.from({ length: AT_ONCE }, (_, place) => start + place);
    const keys = await Promise.all(counters.map((counter) => keyOf(task.parameters, counter)));
    const found = keys.findIndex((key) => key.startsWith(task.parameters.keyPrefix));
    if (found >= 0) return { counter: counters[found], derivedKey: keys[found] };
  }
  throw new Error("no solution");
}

const form = document.querySelector("form[data-proof]");
if (form && globalThis.crypto?.subtle) {
  const task = JSON.parse(form.dataset.proof);
  const status = form.querySelector("[data-proof-status]");
  let waiting = null;
  form.addEventListener("submit", (event) => {
    if (form.elements.proof.value) return;
    event.preventDefault();
    event.stopPropagation();
    waiting = event.submitter;
    waiting?.setAttribute("aria-disabled", "true");
    status.textContent = status.dataset.working;
  });
  solve(task).then((solution) => {
    form.elements.proof.value = btoa(JSON.stringify({ challenge: task, solution }));
    if (!waiting) return;
    waiting.removeAttribute("aria-disabled");
    form.requestSubmit(waiting);
  }, () => {
    status.textContent = status.dataset.failed;
  });
}
