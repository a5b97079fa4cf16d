/**
 * The playground: an ordinary application that logs in with the browser kit and the portal's public endpoints only.
 * What it shows and says is in playground-view.js and in the page.
 */

import { configure, decodeToken } from '../sdk/max-auth.js';
import { canRemember, hasCookies, openChannel, remember, remembered, take } from './storage.js';
import {
  clearRequests, config, countDown, el, showLimits, showNotice, showRequest, showState, showTokens, words,
} from './playground-view.js';

const choices = el('choices');
const chosen = (name) => choices.elements[name].value;
const CHOICE_KEY = { mode: 'playground-mode', storage: 'playground-storage' };

let client;
let userinfo = null;
let silentError = '';
const isForgetful = !canRemember();
const isWithoutCookies = !hasCookies();
const log = openChannel('playground-log');
let work = null; // 'waiting' or 'working' while something is under way

function trace(event) {
  if (event.kind === 'silent' && event.error) silentError = event.error;
  showRequest(event);
}

/** Start over with the chosen storage and response mode; tokens move along. */
function connect() {
  const tokens = client?.tokens.getTokens();
  client?.tokens.clearTokens();
  client = configure({
    issuer: config.issuer,
    clientId: config.client_id,
    redirectUri: config.redirect_uri,
    scope: config.scope,
    storage: chosen('storage') === 'local' ? 'local' : undefined,
    responseMode: chosen('mode'),
    trace,
  });
  if (tokens) {
    const left = (until) => until && (until - Date.now()) / 1000;
    client.tokens.setTokens({
      ...tokens, expires_in: left(tokens.expires_at), refresh_expires_in: left(tokens.refresh_expires_at),
    });
  }
  client.onAuthChange(follow);
  show();
}

function follow({ type, remote, tokens }) {
  if (!tokens) userinfo = null;
  if (type === 'expired') showNotice('warning', words.expired);
  if (type === 'logout' && remote) showNotice('info', words.logged_out_elsewhere);
  if (type === 'login' && remote && !tokens) logInSilently({ quietly: true });
  show();
}

function nameOf({ id_token: id, access_token: access }) {
  for (const token of [id, access].filter(Boolean)) {
    try {
      const { name, email } = decodeToken(token).claims;
      if (name ?? email) return name ?? email;
    } catch {
      // an opaque token names nobody
    }
  }
  return null;
}

function show() {
  const tokens = client.tokens.getTokens();
  const name = tokens && nameOf(tokens);
  const signedIn = name ? words.signed_in.replace('{name}', name) : words.signed_in_nameless;
  if (work) showState(work.state, work.text);
  else showState(tokens ? 'in' : 'out', tokens ? signedIn : words.signed_out);
  el('cancel').hidden = work?.state !== 'waiting';
  el('log-in').disabled = work?.state === 'working';
  el('log-in-silently').disabled = Boolean(work);
  for (const id of ['refresh', 'userinfo', 'log-out']) el(id).disabled = Boolean(work) || !tokens;
  for (const field of choices.elements) field.disabled = Boolean(work) || (field.value === 'local' && isForgetful);
  tellLimits();
  showTokens(tokens, userinfo);
}

/** What this browser does without; of several reasons for the same only the first. */
function tellLimits() {
  const isForgetting = isForgetful || client.storageRefused;
  showLimits({
    insecure: !globalThis.crypto?.subtle,
    cookies: isWithoutCookies,
    storage: isForgetting && !isWithoutCookies,
    channel: !log,
  });
}

function tell(error) {
  const text = words.errors[error.code] ?? words.errors.other;
  if (error.code === 'popup_blocked' && isForgetful) showNotice('warning', words.errors.popup_needed);
  else if (error.code === 'popup_blocked') showNotice('warning', text, { link: { id: 'here' } });
  else if (error.code === 'cancelled' || error.code === 'access_denied') showNotice('info', text);
  else if (error.code !== 'invalid_grant') showNotice('danger', text, { code: error.code ?? error.message });
}

/** Do one thing with the state shown meanwhile. `doing` runs at once, within the click. */
async function during(state, text, doing) {
  showNotice(null);
  try {
    const done = doing();
    work = { state, text };
    show();
    return await done;
  } catch (error) {
    tell(error);
    return null;
  } finally {
    work = null;
    show();
  }
}

async function logInSilently({ quietly = false } = {}) {
  const tokens = await during('working', words.looking, () => client.silent.attemptSilentLogin());
  if (tokens) showNotice('success', words.silent_done);
  else if (!quietly) {
    const reason = silentError === 'consent_required' ? words.no_consent : words.no_session;
    showNotice('info', reason, { code: silentError });
  }
}

const actions = {
  'log-in': () => {
    // A second click only brings the window to the front.
    if (work) client.popup.startAuth().catch(() => null);
    else during('waiting', words.waiting, () => client.popup.startAuth());
  },
  cancel: () => client.popup.cancel(),
  here: () => during('working', words.working, () => client.startRedirect({ returnTo: location.pathname })),
  'log-in-silently': () => logInSilently(),
  refresh: async () => {
    const token = await during('working', words.working, () => client.tokens.refreshAccessToken());
    if (token) showNotice('success', words.refreshed);
  },
  userinfo: async () => {
    userinfo = await during('working', words.working, () => client.getUserInfo());
    show();
  },
  'log-out': async () => {
    const href = await during('working', words.working, () => client.logout());
    showNotice('info', words.logged_out, href ? { link: { id: 'end-session', href } } : {});
  },
  clear: clearRequests,
};

for (const [id, action] of Object.entries(actions)) {
  el(id).addEventListener('click', action);
  const code = el('code-tabs').querySelector(`[value=${id}]`);
  if (code) el(id).addEventListener('click', () => { code.checked = true; });
}
choices.addEventListener('change', ({ target }) => {
  remember(CHOICE_KEY[target.name], target.value);
  connect();
});
for (const [name, key] of Object.entries(CHOICE_KEY)) {
  choices.elements[name].value = remembered(key) ?? chosen(name);
}
if (log) log.onmessage = ({ data }) => showRequest(data);
setInterval(countDown, 1000);

const home = new URL(config.redirect_uri).origin;
if (home !== location.origin) {
  const href = home + location.pathname;
  showState('out', words.signed_out);
  showNotice('warning', words.not_yours, { link: { id: 'own-address', href, text: href } });
} else {
  connect();
  const failed = take('playground-error');
  if (failed) tell({ code: failed });
  else if (client.tokens.isTokenExpired()) logInSilently({ quietly: true });
}
