/**
 * Says how hard a new password is to guess, a moment after each pause in typing. The server judges, as it does when the
 * form is sent; when it does not answer, nothing is shown.
 */

const PAUSE = 400;

for (const place of document.querySelectorAll('[data-strength]')) {
  const field = document.getElementById(place.dataset.strength);
  const words = place.dataset.words.split('|');
  const [meter, word, advice] = ['meter', 'strong', 'span'].map((name) => place.querySelector(name));
  let timer;
  let asking;

  const ask = async () => {
    asking = new AbortController();
    const sent = new FormData();
    for (const name of ['csrf_token', 'email', 'name']) sent.set(name, field.form.elements[name]?.value ?? '');
    sent.set('password', field.value);
    try {
      const response = await fetch(place.dataset.address, { method: 'POST', body: sent, signal: asking.signal });
      if (!response.ok) throw new Error(String(response.status));
      show(await response.json());
    } catch {
      place.hidden = true;
    }
  };

  const show = (judged) => {
    place.hidden = false;
    meter.value = judged.score + 1;
    // Said again only when it changed: screen readers repeat what is written anew.
    if (word.textContent !== words[judged.score]) word.textContent = words[judged.score];
    if (advice.textContent !== judged.advice) advice.textContent = judged.advice;
  };

  field.addEventListener('input', () => {
    clearTimeout(timer);
    asking?.abort();
    if (field.value) timer = setTimeout(ask, PAUSE);
    else place.hidden = true;
  });

  // Sending the form may rotate the session, and what were asked after that would come with the token of the old one.
  field.form.addEventListener('submit', () => {
    clearTimeout(timer);
    asking?.abort();
  });
}
