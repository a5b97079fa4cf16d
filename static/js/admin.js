/** Comforts of administrators' pages, which work without them: a key that leads to the search. */

const field = document.querySelector('[data-search]');

/** Whether a key that was pressed is meant for what has the focus. */
const isTyping = (target) => target.closest?.('input, textarea, select, [contenteditable]');

addEventListener('keydown', (event) => {
  const isSlash = event.key === '/' && !event.ctrlKey && !event.metaKey && !event.altKey && !isTyping(event.target);
  const isPalette = event.key.toLowerCase() === 'k' && (event.ctrlKey || event.metaKey) && !event.altKey;
  if (event.isComposing || !(isSlash || isPalette)) return;
  event.preventDefault();
  field.focus();
  field.select();
});
