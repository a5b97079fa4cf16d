/**
 * Comforts for pages that work without them: show a password, hint at Caps Lock and Hangul, send a form once, go back
 * without sending it again, copy, close windows and menus. Every sentence comes from the page, in its language.
 */

const HANGUL = /[\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3]/;

for (const button of document.querySelectorAll('[data-reveal]')) {
  const field = document.getElementById(button.getAttribute('aria-controls'));
  const show = (shown) => {
    button.setAttribute('aria-pressed', String(shown));
    field.type = shown ? 'text' : 'password';
  };
  button.hidden = false;
  button.addEventListener('click', () => show(field.type === 'password'));
  // Sent as type=text it would be offered as an ordinary value by the browser's form history.
  field.form?.addEventListener('submit', () => show(false));
}

for (const place of document.querySelectorAll('[data-hints]')) {
  const field = document.getElementById(place.id.replace(/-hints$/, ''));
  const hint = (event) => {
    const capsLock = field.type !== 'email' && event.getModifierState?.('CapsLock');
    const hangul = HANGUL.test(event.isComposing ? (event.data ?? '') + field.value : field.value);
    const text = [hangul && place.dataset.hangul, capsLock && place.dataset.capsLock].filter(Boolean).join(' ');
    if (place.textContent !== text) place.textContent = text;
  };
  for (const type of ['keyup', 'input', 'compositionupdate']) field.addEventListener(type, hint);
  // Enter ends a Hangul syllable that is being composed; it must not send the form with it.
  field.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && event.isComposing) event.preventDefault();
  });
}

// What answered a form is asked for anew by a reload or the way back, and nothing is sent a second time.
if (document.body.dataset.page) history.replaceState(history.state, '', document.body.dataset.page);

// A button of the page's frame takes what was typed along; a password is none of its business.
addEventListener('submit', ({ target, submitter }) => {
  if (!submitter?.hasAttribute('formaction')) return;
  for (const field of target.querySelectorAll('input[autocomplete$="-password"]')) field.value = '';
});

for (const form of document.querySelectorAll('form[data-once]')) {
  form.addEventListener('submit', (event) => {
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = 'true';
    // After the browser has collected the fields: a disabled button's value would not be sent.
    setTimeout(() => {
      for (const button of form.querySelectorAll('button:not([type="button"])')) button.disabled = true;
    });
  });
}
// A page that comes back from the history is shown as it was left, buttons disabled.
addEventListener('pageshow', () => {
  for (const form of document.querySelectorAll('form[data-sent]')) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll('button:disabled')) button.disabled = false;
  }
});

const copyButtons = document.querySelectorAll('[data-copy]');
// What a button says changes under the finger; readers hear it from here.
const heard = Object.assign(document.createElement('p'), { className: 'visually-hidden', role: 'status' });
if (copyButtons.length) document.body.append(heard);

/** Which keys copy on this device; one without a keyboard has its own way. */
function keysOf(button) {
  if (matchMedia('(hover: none) and (pointer: coarse)').matches) return button.dataset.byHand;
  const platform = navigator.userAgentData?.platform ?? navigator.platform;
  return /^(mac|ip(ad|hone|od))/i.test(platform) ? button.dataset.keysMac : button.dataset.keys;
}

for (const button of copyButtons) {
  const label = button.querySelector('span');
  const words = label.textContent;
  const source = () => (button.closest('[data-copy-scope]') ?? button.parentElement).querySelector('[data-copy-source]');
  let timer;
  const say = (text, ms) => {
    clearTimeout(timer);
    label.textContent = text;
    heard.textContent = text;
    timer = setTimeout(() => { label.textContent = words; }, ms);
  };
  button.hidden = false;
  button.addEventListener('click', async () => {
    try {
      // Of a page on plain http there is no clipboard, and a browser or its owner may refuse the one that is there.
      await navigator.clipboard.writeText(source().textContent);
      say(button.dataset.copied, 2000);
    } catch {
      getSelection().selectAllChildren(source());
      say(keysOf(button), 10_000);
    }
  });
  addEventListener('copy', () => {
    if (label.textContent === keysOf(button) && getSelection().containsNode(source(), true)) say(button.dataset.copied, 2000);
  });
}

// Another site's policy may cut this window off from the page that opened it: whoever waits there is told beforehand.
addEventListener('click', ({ target }) => {
  if (target.closest('.provider')) window.opener?.postMessage({ type: 'LOGIN_ELSEWHERE' }, '*');
});

// A window that a script opened was opened for one thing; to go on in there would leave the page behind it waiting.
if (window.opener) {
  for (const button of document.querySelectorAll('[data-close]')) {
    button.hidden = false;
    button.addEventListener('click', () => window.close());
    for (const link of button.parentElement.querySelectorAll('a')) link.hidden = true;
  }
}

for (const menu of document.querySelectorAll('details[data-menu]')) {
  addEventListener('click', (event) => { if (!menu.contains(event.target)) menu.open = false; });
  menu.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return;
    menu.open = false;
    menu.querySelector('summary').focus();
  });
}

// Whoever asks to stay logged in means it also for the button of a provider.
const remember = document.querySelector('form#page-form input[name="remember"]');
for (const link of remember ? document.querySelectorAll('a.provider') : []) {
  link.addEventListener('click', () => {
    const address = new URL(link.href);
    if (remember.checked) address.searchParams.set('remember', '1');
    else address.searchParams.delete('remember');
    link.href = address.href;
  });
}

// A link to a folded part of the page opens it, one to a tab chooses it.
const unfold = () => {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target?.localName === 'details') target.open = true;
  const choice = target?.matches?.('.tab-panel') && target.previousElementSibling.querySelector('input');
  if (!choice) return;
  choice.checked = true;
  target.scrollIntoView();
};
addEventListener('hashchange', unfold);
unfold();

// The address names the tab that is open, so that it can be passed on.
for (const tabs of document.querySelectorAll('[data-tabs]')) {
  tabs.addEventListener('change', ({ target }) => {
    const address = new URL(location.href);
    address.searchParams.set(target.name, target.value);
    address.hash = '';
    history.replaceState(history.state, '', address);
  });
}
