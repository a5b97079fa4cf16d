/** Looks again every two seconds what became of a delivery that waits, for a minute; "Look again" does it by hand. */

const PAUSE = 2000;
let left = 30;

async function look() {
  const shown = document.querySelector('[data-watched]');
  left -= 1;
  if (!shown || left < 0) return;
  try {
    const response = await fetch(shown.dataset.watched);
    const page = new DOMParser().parseFromString(await response.text(), 'text/html');
    const found = response.ok && page.querySelector('[data-watched]');
    const isWaiting = found && found.querySelector('form, a.btn');
    if (found && found.textContent !== shown.textContent && !shown.contains(document.activeElement)) {
      shown.replaceChildren(...found.childNodes);
    }
    if (!found || !isWaiting) return;
  } catch {
    // The next look may find it.
  }
  setTimeout(look, PAUSE);
}

setTimeout(look, PAUSE);
