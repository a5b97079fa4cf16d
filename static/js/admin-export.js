/** Puts an export together of parts, and says how far it is. Without this the form gives the first part. */

const form = document.querySelector('[data-export]');
const status = form.querySelector('[data-export-status]');
const buttons = [...form.querySelectorAll('button')];

/** One of the sentences of the page, with how many records there are. */
const say = (sentence, count) => {
  const language = document.documentElement.lang;
  status.textContent = form.dataset[sentence].replace('{count}', count.toLocaleString(language));
};

/** A part; an answer that is none (of a login page, for one) raises. */
async function part(address, body) {
  const response = await fetch(address, { method: 'POST', body });
  const count = response.headers.get('X-Records');
  if (!response.ok || count === null) throw new Error(String(response.status));
  return {
    count: Number(count),
    data: await response.blob(),
    name: /filename="([^"]+)"/.exec(response.headers.get('Content-Disposition'))[1],
    next: response.headers.get('X-Next-Part'),
  };
}

function save(parts, name) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob(parts));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  const body = new FormData(form, event.submitter);
  const parts = [];
  let [address, name, total] = [form.action, '', 0];
  for (const each of buttons) each.disabled = true;
  say('progress', 0);
  try {
    while (address) {
      const found = await part(address, body);
      parts.push(found.data);
      [address, name, total] = [found.next, found.name, total + found.count];
      say('progress', total);
    }
    save(parts, name);
    say('done', total);
  } catch {
    say('failed', total);
  } finally {
    for (const each of buttons) each.disabled = false;
  }
});
