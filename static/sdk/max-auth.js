/**
 * MAX Platform browser kit: popup, redirect and silent login, token renewal and authorised requests for a page.
 *
 * One ES module without dependencies. It speaks the authorization code flow with PKCE (RFC 7636, S256 only), checks
 * `state` and `iss` (RFC 9207), learns every endpoint by discovery and never puts a token into a URL.
 * max-auth.d.ts states what every exported name promises; docs/browser-kit.md shows how they are used together.
 */

export const VERSION = "1.2.0";

const POPUP = { name: 'oauth_login', width: 500, height: 600 };
const FRAME_NAME = 'max-auth-silent';
const ATTEMPT_KEY = 'max-auth:attempt:';
const RESPONSE_KEYS = ['code', 'state', 'iss', 'error', 'error_description', 'error_uri', 'session_state'];
const ATTEMPT_MS = 10 * 60_000; // how long a verifier may be redeemed
const STUB_MS = 24 * 3600_000; // how long an unfinished attempt is remembered without being redeemable
const SILENT_MS = 10_000;
const SOON_MS = 5 * 60_000;
const REQUEST_MS = 20_000;
const CLOSE_MS = 100;
const BACK_MS = 1_000; // what a popup that closes has posted is there by then
const CUT_MS = 1_500; // where our own COOP cannot be read, a popup `closed` this early was cut off, not closed

const pause = (ms, value) => new Promise((resolve) => { setTimeout(resolve, ms, value); });
const failure = (code, message) => Object.assign(new Error(message || code), { name: 'AuthError', code });
const cancelled = () => failure('cancelled', 'Authentication was cancelled by the user');
const URL_SAFE = { '+': '-', '/': '_', '=': '' };
const base64url = (bytes) => btoa(String.fromCharCode(...bytes)).replace(/[+/=]/g, (char) => URL_SAFE[char]);
const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)));
const sha256 = async (text) => new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)));

/** What `work` answers, or `otherwise` where the browser refuses it to this page. */
function allowed(work, otherwise = null) {
  try {
    return work() ?? otherwise;
  } catch {
    return otherwise;
  }
}

/** A channel between the tabs of this origin, or null where the browser has none. */
const openChannel = (name) => allowed(() => globalThis.BroadcastChannel && new BroadcastChannel(name));

/**
 * Run `work` while no other tab runs work of that name. The result is answered at once, the lock is kept `linger` ms
 * longer, so that what was broadcast has arrived where the lock goes next.
 */
function exclusively(name, work, linger = 0) {
  const start = async () => work();
  if (!globalThis.navigator?.locks) return start();
  return new Promise((resolve, reject) => {
    const go = () => start().then(resolve, reject);
    let isHeld = false;
    navigator.locks.request(name, () => {
      isHeld = true;
      return go().then(() => pause(linger));
    }).catch((error) => (isHeld ? reject(error) : go())); // locks are refused where storage is
  });
}

/** The parts of a JWT as objects, unverified: for display, and for what came straight from the token endpoint. */
export function decodeToken(token) {
  const part = (text) => {
    const bytes = Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (char) => char.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes));
  };
  const [header, claims] = token.split('.');
  return { header: part(header), claims: part(claims) };
}

/** Storage that ends with the page: tokens are out of reach of other pages and later scripts. */
export function memoryStorage() {
  const held = new Map();
  return {
    getItem: (key) => held.get(key) ?? null,
    setItem: (key, value) => void held.set(key, String(value)),
    removeItem: (key) => void held.delete(key),
  };
}

/**
 * `storage`, and this page's memory for what it refuses to keep (forbidden, full), so that no login is lost for it.
 * `storage` may be null, or 'local' or 'session' for the browser's own, which some browsers refuse even to name.
 */
function sturdyStorage(given) {
  const named = { local: 'localStorage', session: 'sessionStorage' }[given];
  const storage = named ? allowed(() => globalThis[named]) : given;
  const memory = memoryStorage();
  return {
    refused: !storage,
    getItem: (key) => memory.getItem(key) ?? allowed(() => storage.getItem(key)),
    removeItem(key) {
      memory.removeItem(key);
      allowed(() => storage.removeItem(key));
    },
    setItem(key, value) {
      this.refused = allowed(() => { storage.setItem(key, value); return false; }, true);
      if (!this.refused) return memory.removeItem(key);
      this.removeItem(key); // what is there still is older
      memory.setItem(key, value);
    },
  };
}

// --- Login attempts: kept where the callback page of the same origin finds them, keyed by state ---------------------

const pageShelf = memoryStorage();
const shelf = () => allowed(() => globalThis.localStorage);

function readAttempt(state) {
  const read = (place) => allowed(() => JSON.parse(place.getItem(ATTEMPT_KEY + state)));
  return read(shelf()) ?? read(pageShelf);
}

/** Keep the attempt; answers whether other pages of the origin find it. Where not, it ends with this page. */
function writeAttempt(state, attempt) {
  const write = (place) => place.setItem(ATTEMPT_KEY + state, JSON.stringify(attempt));
  const isShared = allowed(() => { write(shelf()); return true; }, false);
  if (isShared) return true;
  dropAttempt(state); // a verifier that was there must not be found beside the stub that should have taken its place
  write(pageShelf);
  return false;
}

function dropAttempt(state) {
  for (const place of [shelf(), pageShelf]) allowed(() => place.removeItem(ATTEMPT_KEY + state));
}

function sweepAttempts() {
  for (const key of allowed(() => Object.keys(shelf()), [])) {
    if (!key.startsWith(ATTEMPT_KEY)) continue;
    const state = key.slice(ATTEMPT_KEY.length);
    if (!(Date.now() - readAttempt(state)?.startedAt < STUB_MS)) dropAttempt(state);
  }
}

/** Take the attempt: its verifier leaves the shelf, so that no second page, reload or tab can redeem the code. */
function takeAttempt(state, client) {
  return exclusively(ATTEMPT_KEY + state, () => {
    const { verifier, ...stub } = readAttempt(state) ?? {};
    if (!verifier || stub.clientId !== client.options.clientId || stub.issuer !== client.options.issuer) {
      throw failure('invalid_state', 'This login attempt is unknown here or was already used.');
    }
    writeAttempt(state, stub);
    if (Date.now() - stub.startedAt > ATTEMPT_MS) throw failure('attempt_expired', 'This login attempt has expired.');
    return { ...stub, verifier };
  });
}

/** Begin an attempt in `mode` ('popup', 'silent' or 'redirect'); `carry` continues an earlier one. */
async function begin(client, mode, request = {}, carry = {}) {
  const { issuer, clientId, redirectUri, scope: usualScope, responseMode } = client.options;
  if (!globalThis.crypto?.subtle) throw failure('insecure_context', 'Login needs https or localhost.');
  if (new URL(redirectUri).origin !== location.origin) {
    throw failure('wrong_origin', `The redirect URI ${redirectUri} is not on this page's origin.`);
  }
  const { authorization_endpoint: endpoint, response_modes_supported: modes = [] } = await client.discover();
  const [state, verifier, scope] = [random(), random(), request.scope ?? usualScope];
  const nonce = scope.split(' ').includes('openid') ? random() : undefined;
  sweepAttempts();
  const isShared = writeAttempt(state, {
    issuer, clientId, redirectUri, verifier, nonce, mode, request: { ...request, scope }, channel: state,
    returnTo: location.href, startedAt: Date.now(), ...carry,
  });
  if (!isShared && mode === 'redirect') {
    dropAttempt(state);
    throw failure('storage_refused', 'The browser keeps nothing for this page, so a login cannot go on in this tab.');
  }
  // The page at the redirect URI would not find the verifier; by a message the answer comes to this page, which has it.
  const usual = !isShared && modes.includes('web_message') ? 'web_message' : responseMode;
  const answer = mode === 'redirect' || carry.restarted ? 'query' : usual;
  const url = new URL(endpoint);
  const parameters = {
    response_type: 'code', client_id: clientId, redirect_uri: redirectUri, scope, state, nonce,
    code_challenge: base64url(await sha256(verifier)), code_challenge_method: 'S256',
    response_mode: answer === 'query' ? undefined : answer, display: mode === 'popup' ? 'popup' : undefined,
    prompt: request.prompt, login_hint: request.loginHint, ui_locales: request.uiLocales, max_age: request.maxAge,
  };
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) url.searchParams.set(name, value);
  client.trace({ kind: mode, method: 'GET', url: url.href, status: 0, ms: 0 });
  return { url: url.href, state };
}

/** Turn the authorization response of a taken attempt into the token response. */
async function redeem(client, attempt, response) {
  // RFC 9207 section 2.4: compare before anything in the response is used.
  const isKnown = response.iss
    ? response.iss === attempt.issuer
    : !(await client.discover()).authorization_response_iss_parameter_supported;
  if (!isKnown) throw failure('invalid_issuer', 'The answer came from another authorization server.');
  if (response.error) throw failure(response.error, response.error_description);
  const tokens = await client.grant({
    grant_type: 'authorization_code', code: response.code,
    redirect_uri: attempt.redirectUri, code_verifier: attempt.verifier,
  });
  if (tokens.id_token) {
    // OpenID Connect Core section 3.1.3.7; the signature is vouched for by the token endpoint's own connection.
    const { iss, aud, nonce } = decodeToken(tokens.id_token).claims;
    if (iss !== attempt.issuer || ![aud].flat().includes(attempt.clientId) || nonce !== attempt.nonce) {
      throw failure('invalid_id_token', 'The ID token was not issued for this login.');
    }
  }
  return tokens;
}

/** Take, redeem and forget; an expired attempt stays known, so that it can be begun again. */
async function complete(client, response) {
  const attempt = await takeAttempt(response.state, client);
  return redeem(client, attempt, response).finally(() => dropAttempt(response.state));
}

// --- Answers: what the popup or the frame says when it is done -------------------------------------------------------

const POPUP_ANSWERS = ['OAUTH_SUCCESS', 'OAUTH_ERROR'];
const ELSEWHERE = 'LOGIN_ELSEWHERE'; // the portal's word that the person goes on at another site, to come back later
const SILENT_ANSWERS = ['SILENT_AUTH_SUCCESS', 'SILENT_AUTH_ERROR'];

/** Whether a message is the answer waited for: from that very window, and from this origin or the issuer's. */
function isAnswer(client, { source, origin, data }, from, state, names) {
  if (!from || source !== from || !data) return false;
  if (names.includes(data.type)) return origin === location.origin;
  return data.type === 'authorization_response' && data.response?.state === state && origin === client.issuerOrigin;
}

async function readAnswer(client, { type, tokenData, error, error_description: description, response }) {
  if (type === 'authorization_response') return complete(client, response);
  if (error || !tokenData) throw failure(error ?? 'server_error', description);
  return tokenData;
}

// --- Popup -----------------------------------------------------------------------------------------------------------

function openPopup() {
  const left = Math.round((screen.availLeft ?? 0) + Math.max(0, (screen.availWidth - POPUP.width) / 2));
  const top = Math.round((screen.availTop ?? 0) + Math.max(0, (screen.availHeight - POPUP.height) / 2));
  const place = `width=${POPUP.width},height=${POPUP.height},left=${left},top=${top}`;
  const popup = window.open('', POPUP.name, `popup=yes,${place}`);
  popup?.focus();
  return popup;
}

/**
 * Whether this page's own Cross-Origin-Opener-Policy cuts off every popup, which makes `closed` true at once and for
 * good. No script interface tells, only the page's header; undefined where even that cannot be read.
 */
async function cutsPopups() {
  try {
    const page = await fetch(location.href, { method: 'HEAD', credentials: 'same-origin', cache: 'no-store' });
    return page.ok ? /^\s*same-origin\b(?!-)/.test(page.headers.get('cross-origin-opener-policy') ?? '') : undefined;
  } catch {
    return undefined;
  }
}

let run = null; // one at a time: all popups of a page share the window name

class PopupRun {
  constructor(client, popup, request) {
    Object.assign(this, { client, popup, request, answered: false, over: false, elsewhere: false, back: false });
    this.promise = new Promise((resolve, reject) => { Object.assign(this, { resolve, reject }); });
    this.onMessage = (event) => {
      const { source, origin, data } = event;
      if (source === popup && origin === client.issuerOrigin && data?.type === ELSEWHERE) this.elsewhere = true;
      if (isAnswer(client, event, popup, this.state, POPUP_ANSWERS)) this.hear(event.data);
    };
    this.onFocus = () => this.elsewhere && setTimeout(() => document.hasFocus() && this.comeBack(), BACK_MS);
    addEventListener('message', this.onMessage);
    addEventListener('focus', this.onFocus);
    this.timer = setInterval(() => this.watch(), 250);
    this.send();
  }

  async send(carry) {
    try {
      const { url, state } = await begin(this.client, 'popup', this.request, carry);
      if (this.over) return void dropAttempt(state);
      if (!this.sentAt && this.popup.closed) throw cancelled(); // still blank: nothing but a person closes it
      Object.assign(this, { state, answered: false, sentAt: Date.now(), channel: this.channel ?? this.listen(state) });
      this.popup.location.replace(url);
    } catch (error) {
      this.end(error);
    }
  }

  /** Where the opener was cut off, the callback page reaches this tab by a channel only this attempt knows. */
  listen(attempt) {
    const channel = openChannel(ATTEMPT_KEY + attempt);
    if (channel) channel.onmessage = ({ data }) => POPUP_ANSWERS.includes(data?.type) && this.hear(data);
    this.first = attempt;
    return channel;
  }

  async hear(answer) {
    if (this.answered) return;
    this.answered = true; // from here on a popup that closes is no cancellation
    this.channel?.postMessage({ type: 'ACK' });
    try {
      const tokens = await readAnswer(this.client, answer);
      // Cleaned up meanwhile: nobody will ever use what has just been issued.
      if (this.over) return void this.client.revoke(tokens.refresh_token ?? tokens.access_token);
      this.client.signIn(tokens);
      this.end(null, tokens);
    } catch (error) {
      if (error.code !== 'attempt_expired' || this.again) return this.end(error);
      this.again = true;
      dropAttempt(this.state);
      await this.send({ channel: this.first, restarted: true });
    }
  }

  async watch() {
    if (!this.popup.closed || this.answered || this.over) return;
    clearInterval(this.timer);
    if (!this.sentAt) return this.end(cancelled());
    const early = Date.now() - this.sentAt < CUT_MS;
    const [cut] = await Promise.all([cutsPopups(), pause(BACK_MS)]);
    if (this.answered || (cut ?? early)) return;
    // Cut off or closed: nobody can tell, but whoever closes a window is back on the page that opened it.
    if (this.elsewhere && !this.back) return;
    // A policy of a page on the way may have cut the popup off while the person goes on: a late success still counts.
    this.end(cancelled(), null, true);
  }

  comeBack() {
    this.back = true;
    this.watch();
  }

  end(error, tokens, listen = false) {
    clearInterval(this.timer);
    removeEventListener('message', this.onMessage);
    removeEventListener('focus', this.onFocus);
    if (!listen) {
      this.over = true;
      this.channel?.close();
      this.popup.close();
      if (run === this) run = null;
    }
    if (error) this.reject(error);
    else this.resolve(tokens);
  }
}

export class PopupOAuthLogin {
  #client;

  constructor(client) {
    this.#client = client;
  }

  startAuth(request = {}) {
    const client = this.#client ?? current();
    if (run?.client === client && !run.popup.closed) {
      run.popup.focus();
      return run.promise;
    }
    // A window that was cut off cannot be closed from here; its attempt stays, so that it does not end in an error.
    if (run?.popup.closed) run.end(cancelled());
    else this.forceCleanup();
    const popup = openPopup(); // in the click itself: after an await the browser would block it
    if (!popup) {
      return Promise.reject(failure('popup_blocked', 'Popup was blocked. Please allow popups for this site.'));
    }
    run = new PopupRun(client, popup, request);
    return run.promise;
  }

  forceCleanup() {
    if (!run) return;
    if (run.state) dropAttempt(run.state);
    run.end(cancelled());
  }

  cancel() {
    this.forceCleanup();
  }
}

// --- Silent ----------------------------------------------------------------------------------------------------------

async function runSilently(client, request) {
  const frame = Object.assign(document.createElement('iframe'), { name: FRAME_NAME, hidden: true });
  const late = pause(SILENT_MS).then(() => { throw failure('timeout', 'Silent login was not answered in time.'); });
  let begun;
  let onMessage;
  try {
    begun = await Promise.race([begin(client, 'silent', { ...request, prompt: 'none' }), late]);
    const answer = new Promise((resolve) => {
      onMessage = (event) => {
        if (!isAnswer(client, event, frame.contentWindow, begun.state, SILENT_ANSWERS)) return;
        resolve(readAnswer(client, event.data));
      };
    });
    addEventListener('message', onMessage);
    frame.src = begun.url;
    document.body.append(frame);
    const tokens = await Promise.race([answer, late]);
    client.signIn(tokens);
    return tokens;
  } catch (error) {
    client.silentRefused = true;
    client.trace({ kind: 'silent', method: '', url: '', status: 0, ms: 0, error: error.code });
    return null;
  } finally {
    removeEventListener('message', onMessage);
    frame.remove();
    if (begun) dropAttempt(begun.state);
  }
}

export class SilentAuth {
  #client;

  constructor(client) {
    this.#client = client;
  }

  attemptSilentLogin(request) {
    const client = this.#client ?? current();
    if (window.name === FRAME_NAME) return Promise.resolve(null); // this page is in such a frame itself
    client.silentRun ??= runSilently(client, request).finally(() => { client.silentRun = null; });
    return client.silentRun;
  }
}

// --- Redirect, and the page at the redirect URI ----------------------------------------------------------------------

/** Continue in this tab. `request.returnTo` (same origin, default: this page) comes back from handleOAuthCallback. */
export async function startRedirect({ returnTo = location.href, ...request } = {}, client = current()) {
  const target = new URL(returnTo, location.href);
  if (target.origin !== location.origin) throw failure('wrong_origin', 'returnTo must be on this origin.');
  const { url } = await begin(client, 'redirect', request, { returnTo: target.href });
  location.assign(url);
}

/** The authorization response in this page's URL, taken out of the URL and the history before it is used; or null. */
function takeResponse() {
  const url = new URL(location.href);
  if (!url.searchParams.has('code') && !url.searchParams.has('error')) return null;
  const found = RESPONSE_KEYS.filter((key) => url.searchParams.has(key)).map((key) => [key, url.searchParams.get(key)]);
  const response = Object.fromEntries(found);
  RESPONSE_KEYS.forEach((key) => url.searchParams.delete(key));
  history.replaceState({ ...history.state, maxAuth: response.state }, '', url);
  return response;
}

/** Tell the tab that waits, by opener and by channel; answers whether somebody listens. */
async function tellOpener(attempt, message) {
  const channel = attempt && openChannel(ATTEMPT_KEY + attempt.channel);
  const heard = new Promise((resolve) => {
    if (channel) channel.onmessage = ({ data }) => data?.type === 'ACK' && resolve(true);
  });
  const opener = window.opener?.closed ? null : window.opener;
  opener?.postMessage(message, location.origin);
  channel?.postMessage(message);
  const acknowledged = await Promise.race([heard, pause(1_000, false)]);
  channel?.close();
  return acknowledged || Boolean(opener);
}

async function deliver(client, attempt, { tokenData, error }) {
  const mode = attempt?.mode ?? (window.parent !== window ? 'silent' : window.opener ? 'popup' : 'redirect');
  const result = { mode, tokenData, error, returnTo: attempt?.returnTo, delivered: true };
  const trouble = error && { error: error.code, error_description: error.message };
  if (mode === 'silent') {
    const type = trouble ? 'SILENT_AUTH_ERROR' : 'SILENT_AUTH_SUCCESS';
    window.parent.postMessage(trouble ? { type, ...trouble } : { type, tokenData }, location.origin);
    return result;
  }
  if (mode === 'popup') {
    const success = { type: 'OAUTH_SUCCESS', token: tokenData?.access_token, tokenData };
    result.delivered = await tellOpener(attempt, trouble ? { type: 'OAUTH_ERROR', ...trouble } : success);
  }
  if (tokenData && (mode === 'redirect' || !result.delivered)) client.signIn(tokenData);
  if (tokenData) client.channel?.postMessage({ type: 'login' });
  if (mode === 'popup' && result.delivered) {
    await pause(CLOSE_MS); // what a window posts as it closes may never leave it
    window.close();
  }
  return result;
}

/** Begin once more where a reload or a long pause lost the verifier: the session at the portal still answers. */
async function beginAgain(client, state, attempt) {
  dropAttempt(state);
  const lost = failure('interrupted', 'The login was interrupted. Please start again.');
  if (attempt.restarted || attempt.mode === 'silent') return deliver(client, attempt, { error: lost });
  const { channel, returnTo, mode, request } = attempt;
  const { url } = await begin(client, mode, request, { channel, returnTo, restarted: true });
  location.replace(url);
  return { mode, returnTo, restarting: true };
}

async function runCallback(client) {
  const response = takeResponse();
  const state = response ? response.state : history.state?.maxAuth;
  const attempt = readAttempt(state);
  if (!response && attempt) return beginAgain(client, state, attempt);
  if (!response && state) return { mode: 'popup', finished: true };
  if (!response) return { mode: 'redirect', error: failure('no_response', 'This page was opened without a login.') };
  try {
    return await deliver(client, attempt, { tokenData: await complete(client, response) });
  } catch (error) {
    if (error.code === 'attempt_expired') return beginAgain(client, state, attempt);
    // A second copy of this page must not speak for the attempt that the first one is still finishing.
    return deliver(client, error.code === 'invalid_state' ? null : attempt, { error });
  }
}

/** Finish the login on the page at the redirect URI. Never rejects; called twice on one page it runs once. */
export function handleOAuthCallback(client = current()) {
  client.callbackRun ??= runCallback(client).catch((error) => ({ mode: 'redirect', error, delivered: false }));
  return client.callbackRun;
}

// --- Tokens ----------------------------------------------------------------------------------------------------------

export class TokenManager {
  #given;

  constructor(client) {
    this.#given = client;
  }

  get #client() {
    return this.#given ?? current();
  }

  /** The stored record: the token response with `expires_at` and `refresh_expires_at` in milliseconds, or null. */
  getTokens() {
    try {
      return JSON.parse(this.#client.store.getItem(this.#client.tokenKey));
    } catch {
      return null;
    }
  }

  setTokens(response) {
    const until = (seconds) => (seconds === undefined ? undefined : Date.now() + Number(seconds) * 1000);
    const { refresh_token: held, refresh_expires_at: heldUntil, id_token: known } = this.getTokens() ?? {};
    const { refresh_token: refresh = held, id_token = known } = response; // RFC 6749 section 6: absent means unchanged
    const refreshUntil = response.refresh_token ? until(response.refresh_expires_in) : heldUntil;
    this.#client.silentRefused = false;
    this.restore({
      ...response, id_token, refresh_token: refresh,
      expires_at: until(response.expires_in), refresh_expires_at: refreshUntil,
    });
  }

  restore(record) {
    this.#client.store.setItem(this.#client.tokenKey, JSON.stringify(record));
  }

  getAccessToken() {
    return this.getTokens()?.access_token ?? null;
  }

  getRefreshToken() {
    return this.getTokens()?.refresh_token ?? null;
  }

  isTokenExpired(withinMs = 0) {
    const tokens = this.getTokens();
    return !tokens?.access_token || tokens.expires_at - Date.now() <= withinMs;
  }

  isTokenExpiringSoon() {
    return this.isTokenExpired(SOON_MS);
  }

  refreshAccessToken() {
    const client = this.#client;
    client.renewal ??= this.#renew(client).finally(() => { client.renewal = null; });
    return client.renewal;
  }

  async getValidAccessToken() {
    if (!this.isTokenExpiringSoon()) return this.getAccessToken();
    if (!this.getTokens()) return null;
    try {
      return await this.refreshAccessToken();
    } catch (error) {
      if (!this.isTokenExpired()) return this.getAccessToken();
      if (error.code === 'network_error') throw error;
      return null;
    }
  }

  clearTokens() {
    this.#client.store.removeItem(this.#client.tokenKey);
  }

  async #renew(client) {
    const held = this.getRefreshToken();
    if (held) return exclusively(`max-auth:refresh:${client.tokenKey}`, () => this.#rotate(client, held), 50);
    const tokens = client.silentRefused ? null : await client.silent.attemptSilentLogin();
    if (!tokens) throw failure('login_required', 'There is no refresh token and no session to renew from.');
    return tokens.access_token;
  }

  async #rotate(client, held) {
    const renewedElsewhere = () => this.getRefreshToken() !== held && this.getAccessToken();
    if (renewedElsewhere()) return this.getAccessToken();
    const parameters = { grant_type: 'refresh_token', refresh_token: held };
    let answer;
    try {
      answer = await client.grant(parameters).catch(async (error) => {
        if (error.code !== 'network_error') throw error;
        await pause(500); // a lost answer is asked for once more: the portal hands out the same successor again
        return client.grant(parameters);
      });
    } catch (error) {
      if (renewedElsewhere()) return this.getAccessToken();
      if (error.code === 'invalid_grant') client.signOut('expired');
      throw error;
    }
    if (this.getRefreshToken() !== held) { // signed out meanwhile: what has just been issued must not live on
      await client.revoke(answer.refresh_token ?? answer.access_token);
      throw failure('login_required', 'Signed out while the token was being renewed.');
    }
    this.setTokens(answer);
    client.channel?.postMessage({ type: 'refresh', replaces: held, tokens: this.getTokens() });
    client.emit('refresh');
    return answer.access_token;
  }
}

// --- Client ----------------------------------------------------------------------------------------------------------

class Client {
  constructor(options) {
    for (const name of ['issuer', 'clientId']) {
      if (!options?.[name]) throw failure('wrong_configuration', `max-auth needs the option ${name}.`);
    }
    const {
      redirectUri = `${location.origin}/oauth/callback`, scope = 'openid profile email', storage = memoryStorage(),
      responseMode = 'query', allowedOrigins = [],
    } = options;
    this.options = Object.freeze({ ...options, redirectUri, scope, storage, responseMode });
    this.store = sturdyStorage(storage);
    this.issuerOrigin = new URL(options.issuer).origin;
    const allowed = allowedOrigins.map((url) => new URL(url).origin);
    this.trusted = new Set([location.origin, this.issuerOrigin, ...allowed]);
    this.tokenKey = `max-auth:tokens:${options.issuer}:${options.clientId}`;
    this.listeners = new Set();
    this.tokens = new TokenManager(this);
    this.popup = new PopupOAuthLogin(this);
    this.silent = new SilentAuth(this);
    this.channel = openChannel(this.tokenKey);
    if (this.channel) this.channel.onmessage = ({ data }) => this.#hear(data);
  }

  get storageRefused() {
    return this.store.refused;
  }

  trace(event) {
    this.options.trace?.(event);
  }

  onAuthChange(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  emit(type, remote = false) {
    for (const listener of [...this.listeners]) listener({ type, remote, tokens: this.tokens.getTokens() });
  }

  signIn(tokens) {
    this.tokens.clearTokens(); // nothing of an earlier person's login is inherited
    this.tokens.setTokens(tokens);
    this.emit('login');
  }

  signOut(type = 'logout', remote = false) {
    this.tokens.clearTokens();
    this.emit(type, remote);
  }

  /** What other tabs of this client tell: adopt what they renewed, follow their logout, hear of their login. */
  #hear({ type, replaces, tokens }) {
    const mine = this.tokens.getRefreshToken();
    if (type === 'refresh' && mine && mine === replaces) this.tokens.restore(tokens);
    if (type === 'refresh' && mine && [replaces, tokens.refresh_token].includes(mine)) this.emit('refresh', true);
    if (type === 'login') this.emit('login', true);
    if (type === 'logout') {
      this.signOut('logout', true);
      if (mine) this.revoke(mine);
    }
  }

  discover() {
    this.metadata ??= this.#loadMetadata().catch((error) => {
      this.metadata = null;
      throw error;
    });
    return this.metadata;
  }

  async #loadMetadata() {
    const { issuer } = this.options;
    const metadata = await this.json(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, { cache: 'default' });
    if (metadata.issuer !== issuer) throw failure('invalid_issuer', `${issuer} calls itself ${metadata.issuer}.`);
    return metadata;
  }

  async send(input, init) {
    const url = input.url ?? String(input);
    const method = input.method ?? init?.method ?? 'GET';
    const started = performance.now();
    const report = (status) => this.trace({ kind: 'request', method, url, status, ms: performance.now() - started });
    try {
      const response = await fetch(input, init);
      report(response.status);
      return response;
    } catch (cause) {
      report(0);
      if (cause.name === 'AbortError') throw cause;
      throw Object.assign(failure('network_error', `${url} could not be reached.`), { cause });
    }
  }

  async json(url, init) {
    const signal = AbortSignal.timeout(REQUEST_MS);
    const response = await this.send(url, { credentials: 'omit', cache: 'no-store', signal, ...init });
    return readJson(response);
  }

  async grant(parameters) {
    const { token_endpoint: endpoint } = await this.discover();
    const body = new URLSearchParams({ ...parameters, client_id: this.options.clientId });
    const answer = await this.json(endpoint, { method: 'POST', body });
    if (!answer.access_token) throw failure('invalid_response', 'The token endpoint answered without an access token.');
    return answer;
  }

  /** Best effort: a logout that cannot reach the portal is still a logout here. */
  async revoke(token) {
    try {
      const { revocation_endpoint: endpoint } = await this.discover();
      const body = new URLSearchParams({ token, client_id: this.options.clientId });
      await this.send(endpoint, { method: 'POST', body, credentials: 'omit', keepalive: true });
    } catch {
      // traced by send()
    }
  }

  async authFetch(input, init) {
    const request = new Request(input, init);
    const isOurs = this.trusted.has(new URL(request.url).origin) && !request.headers.has('authorization');
    if (!isOurs) return this.send(request);
    const again = request.clone();
    const token = await this.tokens.getValidAccessToken();
    const response = await this.send(bearing(request, token));
    if (response.status !== 401 || !token) return response;
    const held = this.tokens.getAccessToken();
    const renewed = held !== token ? held : await this.tokens.refreshAccessToken().catch(() => null);
    return renewed ? this.send(bearing(again, renewed)) : response;
  }

  async getUserInfo() {
    const { userinfo_endpoint: endpoint } = await this.discover();
    return readJson(await this.authFetch(endpoint, { cache: 'no-store', credentials: 'omit' }));
  }

  async logout({ redirect = false, postLogoutRedirectUri, state } = {}) {
    const token = this.tokens.getRefreshToken() ?? this.tokens.getAccessToken();
    this.signOut();
    this.channel?.postMessage({ type: 'logout' });
    if (token) await this.revoke(token);
    const { end_session_endpoint: endpoint } = await this.discover().catch(() => ({}));
    if (!endpoint) return null;
    const url = new URL(endpoint);
    const parameters = { client_id: this.options.clientId, post_logout_redirect_uri: postLogoutRedirectUri, state };
    for (const [name, value] of Object.entries(parameters)) if (value) url.searchParams.set(name, value);
    if (redirect) location.assign(url.href);
    return url.href;
  }

  startRedirect(request) {
    return startRedirect(request, this);
  }

  handleOAuthCallback() {
    return handleOAuthCallback(this);
  }

  close() {
    this.channel?.close();
    this.listeners.clear();
  }
}

function bearing(request, token) {
  if (token) request.headers.set('Authorization', `Bearer ${token}`);
  return request;
}

async function readJson(response) {
  const body = await response.json().catch(() => ({}));
  if (response.ok) return body;
  const { error = `http_${response.status}`, error_description: description } = body;
  throw failure(error, description ?? `The server answered ${response.status}.`);
}

// --- The default client of a page ------------------------------------------------------------------------------------

let defaultClient = null;

function current() {
  if (!defaultClient) throw failure('wrong_configuration', 'Call configure({ issuer, clientId }) first.');
  return defaultClient;
}

/** A client of its own, for pages that talk to several portals or clients. */
export const createClient = (options) => new Client(options);

/** Set up the client that every exported name uses when it is given none; answers it. */
export function configure(options) {
  defaultClient?.close();
  defaultClient = createClient(options);
  return defaultClient;
}

export const authFetch = (input, init) => current().authFetch(input, init);
export const getUserInfo = () => current().getUserInfo();
export const logout = (options) => current().logout(options);
export const onAuthChange = (listener) => current().onAuthChange(listener);

// Each class also works without an instance, on the default client: TokenManager.getAccessToken().
for (const kit of [PopupOAuthLogin, SilentAuth, TokenManager]) {
  for (const name of Object.getOwnPropertyNames(kit.prototype)) {
    if (name !== 'constructor') kit[name] = (...given) => new kit()[name](...given);
  }
}
