/** What the portal thinks of redirect URIs, said while they are typed. Without it the form says the same once it is sent. */

const WAIT_MS = 400;

for (const place of document.querySelectorAll('[data-advice-of]')) {
  const field = document.getElementById(place.dataset.adviceOf);
  let waiting = 0;
  let asked = null;

  /** Show the advice on what stands in the field now; of answers that overtake each other, the last one. */
  const ask = async () => {
    asked?.abort();
    asked = new AbortController();
    if (!field.value.trim()) return place.replaceChildren();
    const address = new URL(field.dataset.adviceAt, location.href);
    address.searchParams.set('uri', field.value.slice(0, 1500));
    try {
      const answer = await fetch(address, { signal: asked.signal });
      // Whoever is logged out meanwhile is told so when the form is sent.
      if (!answer.ok || answer.redirected) return;
      const found = new DOMParser().parseFromString(await answer.text(), 'text/html');
      place.replaceChildren(...found.body.childNodes);
    } catch (problem) {
      if (problem.name !== 'AbortError') place.replaceChildren();
    }
  };

  field.addEventListener('input', () => {
    clearTimeout(waiting);
    waiting = setTimeout(ask, WAIT_MS);
  });
}
