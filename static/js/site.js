// Progressive enhancement only: every page works without this file.

// After a failed form the summary is read first.
document.querySelector(".error-summary")?.focus();

// <time datetime="…Z"> says UTC; visitors read it in their own zone and the page's language, and the UTC text is the title.
// One with data-zone is by that zone's clock: its words stay, and where the visitor's clock shows another time, that
// stands behind them. With data-own the server has said so already.
const page = document.documentElement.lang;
const spoken = page ? [...navigator.languages.filter((each) => each.split("-")[0] === page), page] : undefined;
const style = { numberingSystem: "latn", day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit" };
const local = new Intl.DateTimeFormat(spoken, { ...style, timeZoneName: "short" });
const clocks = new Map();
function shown(moment, timeZone) {
  if (!clocks.has(timeZone)) clocks.set(timeZone, new Intl.DateTimeFormat(spoken, { ...style, timeZone }));
  return clocks.get(timeZone).format(moment);
}
function localTimes() {
  document.querySelectorAll('time[datetime$="Z"]:not([title])').forEach((time) => {
    const moment = new Date(time.dateTime);
    const zone = time.dataset.zone;
    time.title = time.textContent.trim();
    if (!zone) time.textContent = local.format(moment);
    else if (!("own" in time.dataset) && shown(moment, zone) !== shown(moment)) {
      time.textContent = `${time.title} (${local.format(moment)})`;
    }
  });
}
localTimes();
document.addEventListener("htmx:load", localTimes);

// The order keeps the visitor's time zone, so that mails can tell times by the visitor's clock as well.
document.querySelectorAll("input[data-time-zone]").forEach((input) => {
  input.value = local.resolvedOptions().timeZone ?? "";
});

// A form marked data-once is not sent twice by an impatient press; the server would take it as one anyway.
const sent = new WeakSet();
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!form.matches("form[data-once]")) return;
  if (sent.has(form)) {
    event.preventDefault();
    return;
  }
  sent.add(form);
  event.submitter?.setAttribute("aria-disabled", "true");
  setTimeout(() => again(form), 10000);
});
addEventListener("pageshow", () => document.querySelectorAll("form[data-once]").forEach(again));

function again(form) {
  sent.delete(form);
  form.querySelectorAll("[aria-disabled]").forEach((button) => button.removeAttribute("aria-disabled"));
}

// An open <details data-menu> closes with Escape and with a press elsewhere.
function closeMenus(except) {
  document.querySelectorAll("details[data-menu][open]").forEach((menu) => {
    if (menu !== except) menu.open = false;
  });
}
document.addEventListener("click", (event) => closeMenus(event.target.closest("details[data-menu]")));
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  const menu = document.querySelector("details[data-menu][open]");
  closeMenus();
  if (menu?.contains(document.activeElement)) menu.querySelector("summary").focus();
});

// <button type="button" data-copy="id" data-copied="Copied" hidden>: shown where copying works.
if (navigator.clipboard) {
  document.querySelectorAll("button[data-copy]").forEach((button) => {
    button.hidden = false;
  });
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-copy]");
    if (!button) return;
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent.trim());
    if (button.dataset.copied) button.textContent = button.dataset.copied;
  });
}
