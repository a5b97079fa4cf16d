/** Comforts of administrators' pages, which work without them: a search that a key opens, answered while one types. */

const palette = document.querySelector('[data-palette]');
const form = palette.querySelector('form');
const field = form.querySelector('input');
const place = palette.querySelector('[data-found]');
const WAIT_MS = 150;
let asked = null;
let waiting = 0;

/** Whether a key that was pressed is meant for what has the focus. */
const isTyping = (target) => target.closest?.('input, textarea, select, [contenteditable]');

const hits = () => [...place.querySelectorAll('[data-hit]')];

/** Show what the portal finds; of answers that overtake each other, the one to the last question. */
async function find() {
  asked?.abort();
  asked = new AbortController();
  const query = field.value.trim();
  place.dataset.query = '';
  if (!query) return place.replaceChildren();
  try {
    const answer = await fetch(`${form.dataset.foundAt}?${new URLSearchParams({ q: query })}`, { signal: asked.signal });
    // Whoever is logged out meanwhile finds the page that says so.
    if (answer.redirected) return form.submit();
    if (!answer.ok) return place.replaceChildren();
    const found = new DOMParser().parseFromString(await answer.text(), 'text/html');
    place.replaceChildren(...found.body.childNodes);
    place.dataset.query = query;
  } catch (problem) {
    if (problem.name !== 'AbortError') place.replaceChildren();
  }
}

field.addEventListener('input', () => {
  clearTimeout(waiting);
  waiting = setTimeout(find, WAIT_MS);
});

form.addEventListener('submit', (event) => {
  const [first] = hits();
  if (!first || place.dataset.query !== field.value.trim()) return;
  event.preventDefault();
  location.assign(first.href);
});

palette.addEventListener('keydown', (event) => {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step || event.isComposing) return;
  event.preventDefault();
  const stops = [field, ...hits()];
  const next = stops.indexOf(document.activeElement) + step;
  stops[Math.min(Math.max(next, 0), stops.length - 1)].focus();
});

/** A file that is too large is not sent in vain. */
for (const input of document.querySelectorAll('input[data-most]')) {
  const problem = input.parentElement.querySelector('[data-too-large]');
  input.addEventListener('change', () => {
    problem.hidden = !(input.files[0]?.size > Number(input.dataset.most));
    if (!problem.hidden) input.value = '';
  });
}

palette.addEventListener('click', (event) => {
  if (event.target === palette) palette.close();
});

addEventListener('keydown', (event) => {
  const isSlash = event.key === '/' && !event.ctrlKey && !event.metaKey && !event.altKey && !isTyping(event.target);
  const isPalette = event.key.toLowerCase() === 'k' && (event.ctrlKey || event.metaKey) && !event.altKey;
  if (event.isComposing || !(isSlash || isPalette)) return;
  event.preventDefault();
  if (!palette.open) palette.showModal();
  field.select();
});
