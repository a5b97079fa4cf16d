import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';

import { createClient, handleOAuthCallback } from '../../static/sdk/max-auth.js';
import { FarWindow, ORIGIN, openPage, say, sharedStorage } from './page.mjs';
import { Portal } from './portal.mjs';

const REDIRECT_URI = `${ORIGIN}/oauth/callback`;
const networkFetch = globalThis.fetch;
let portal;
let storage;
const clients = [];

const newClient = (options = {}) => {
  const made = createClient({ issuer: portal.issuer, clientId: 'maxlab', redirectUri: REDIRECT_URI, ...options });
  clients.push(made);
  return made;
};
const returnUrl = (response) => `${REDIRECT_URI}?${new URLSearchParams(response)}`;

/** Begin a popup login on an app page; answers the authorization URL. */
async function beginInPopup() {
  const page = openPage(`${ORIGIN}/app`, { storage });
  newClient().popup.startAuth().catch(() => null);
  return page.popup.isSent;
}

async function beginByRedirect(request) {
  const page = openPage(`${ORIGIN}/app?tab=2#here`, { storage });
  const { left } = page.location;
  newClient().startRedirect(request);
  return left;
}

before(async () => { portal = await Portal.start(); });
after(() => portal.stop());
beforeEach(() => {
  globalThis.fetch = networkFetch;
  storage = sharedStorage();
});
afterEach(() => clients.splice(0).forEach((made) => { made.popup.forceCleanup(); made.close(); }));

test('in the popup the opener is told, on this origin only, and the popup closes', async () => {
  const url = await beginInPopup();
  const opener = new FarWindow();
  const page = openPage(returnUrl(portal.grant(url)), { storage, opener });
  const { delivered, tokenData } = await handleOAuthCallback(newClient());
  assert.deepEqual(opener.posted, [{
    message: { type: 'OAUTH_SUCCESS', token: tokenData.access_token, tokenData }, targetOrigin: ORIGIN,
  }]);
  assert.equal(delivered, true);
  assert.equal(page.closed, true);
});

test('the code has left the URL and the history before it is exchanged', async () => {
  const url = await beginInPopup();
  const page = openPage(`${returnUrl(portal.grant(url))}&session_state=s&tenant=7`, { storage, opener: new FarWindow() });
  const seen = [];
  globalThis.fetch = (...given) => {
    seen.push(page.location.href);
    return networkFetch(...given);
  };
  await handleOAuthCallback(newClient());
  assert.deepEqual([...new Set(seen)], [`${REDIRECT_URI}?tenant=7`]);
});

test('called twice on one page, it exchanges once', async () => {
  const url = await beginInPopup();
  openPage(returnUrl(portal.grant(url)), { storage, opener: new FarWindow() });
  const client = newClient();
  const before = portal.count('/token');
  const [one, two] = await Promise.all([handleOAuthCallback(client), handleOAuthCallback(client)]);
  assert.equal(one, two);
  assert.equal(portal.count('/token'), before + 1);
});

test('the server\'s refusal reaches the opener with its code', async () => {
  const url = await beginInPopup();
  const opener = new FarWindow();
  const response = { error: 'access_denied', error_description: 'The person said no', state: new URL(url).searchParams.get('state'), iss: portal.issuer };
  openPage(returnUrl(response), { storage, opener });
  const { error } = await handleOAuthCallback(newClient());
  assert.equal(error.code, 'access_denied');
  assert.deepEqual(opener.posted[0].message, { type: 'OAUTH_ERROR', error: 'access_denied', error_description: 'The person said no' });
});

test('a page reloaded after the end says so and redeems nothing', async () => {
  const url = await beginInPopup();
  const page = openPage(returnUrl(portal.grant(url)), { storage, opener: new FarWindow() });
  await handleOAuthCallback(newClient());
  const before = portal.count('/token');
  openPage(page.location.href, { storage, opener: new FarWindow(), state: page.history.state });
  const result = await handleOAuthCallback(newClient());
  assert.deepEqual(result, { mode: 'popup', finished: true });
  assert.equal(portal.count('/token'), before);
});

test('a page reloaded in the middle of the exchange begins again instead of redeeming twice, once', async () => {
  const url = await beginInPopup();
  const page = openPage(returnUrl(portal.grant(url)), { storage });
  globalThis.fetch = (input, init) => (String(input).endsWith('/token') ? new Promise(() => {}) : networkFetch(input, init));
  handleOAuthCallback(newClient());
  await new Promise((resolve) => { setTimeout(resolve, 50); });

  globalThis.fetch = networkFetch;
  const reloaded = openPage(page.location.href, { storage, state: page.history.state });
  const result = await handleOAuthCallback(newClient());
  const [next] = reloaded.location.visited;
  assert.equal(result.restarting, true);
  assert.notEqual(new URL(next).searchParams.get('state'), new URL(url).searchParams.get('state'));
  assert.equal(new URL(next).searchParams.get('response_mode'), null);

  openPage(returnUrl(portal.grant(next)), { storage, opener: new FarWindow() });
  assert.equal((await handleOAuthCallback(newClient())).error, undefined);
  assert.deepEqual(Object.keys(storage), []);
});

test('a code whose attempt is unknown here is not redeemed', async () => {
  const url = await beginInPopup();
  const response = portal.grant(url);
  const before = portal.count('/token');
  openPage(returnUrl(response), { storage: sharedStorage(), opener: new FarWindow() });
  assert.equal((await handleOAuthCallback(newClient())).error.code, 'invalid_state');
  openPage(returnUrl({ ...response, state: 'guessed' }), { storage });
  assert.equal((await handleOAuthCallback(newClient())).error.code, 'invalid_state');
  assert.equal(portal.count('/token'), before);
});

test('a copy of the page in another tab neither redeems nor spoils the login', async () => {
  const url = await beginInPopup();
  const response = portal.grant(url);
  const before = portal.count('/token');
  openPage(returnUrl(response), { storage, opener: new FarWindow() });
  const first = handleOAuthCallback(newClient());
  openPage(returnUrl(response), { storage });
  const copy = await handleOAuthCallback(newClient());
  assert.equal(copy.error.code, 'invalid_state');
  assert.equal((await first).error, undefined);
  assert.equal(portal.count('/token'), before + 1);
});

test('an attempt of another client on the same origin is not taken', async () => {
  const url = await beginInPopup();
  openPage(returnUrl(portal.grant(url)), { storage });
  assert.equal((await handleOAuthCallback(newClient({ clientId: 'maxllm' }))).error.code, 'invalid_state');
});

test('an answer after an hour begins again, and the tab that waits is told in the end', async (t) => {
  const url = await beginInPopup();
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 3600_000 });
  const before = portal.count('/token');
  const page = openPage(returnUrl(portal.grant(url)), { storage });
  assert.equal((await handleOAuthCallback(newClient())).restarting, true);
  assert.equal(portal.count('/token'), before);
  openPage(returnUrl(portal.grant(page.location.visited[0])), { storage });
  const { delivered, error } = await handleOAuthCallback(newClient());
  assert.equal(error, undefined);
  assert.equal(delivered, true);
});

test('a popup whose opener is gone keeps the tokens and names the page to return to', async () => {
  const url = await beginByRedirect({ returnTo: '/app/boards' });
  const key = Object.keys(storage)[0];
  storage[key] = JSON.stringify({ ...JSON.parse(storage[key]), mode: 'popup' });
  const page = openPage(returnUrl(portal.grant(url)), { storage });
  const client = newClient();
  const { delivered, returnTo, tokenData } = await handleOAuthCallback(client);
  assert.equal(delivered, false);
  assert.equal(returnTo, `${ORIGIN}/app/boards`);
  assert.equal(client.tokens.getAccessToken(), tokenData.access_token);
  assert.equal(page.closed, false);
});

test('a redirect login answers the tokens and the page it began on', async () => {
  const url = await beginByRedirect();
  openPage(returnUrl(portal.grant(url)), { storage });
  const client = newClient();
  const { mode, returnTo, tokenData } = await handleOAuthCallback(client);
  assert.equal(mode, 'redirect');
  assert.equal(returnTo, `${ORIGIN}/app?tab=2#here`);
  assert.equal(client.tokens.getAccessToken(), tokenData.access_token);
});

test('a page of another origin is no page to return to', async () => {
  openPage(`${ORIGIN}/app`, { storage });
  await assert.rejects(newClient().startRedirect({ returnTo: 'https://evil.example/' }), { code: 'wrong_origin' });
});

test('the callback page opened without a login says so', async () => {
  openPage(REDIRECT_URI, { storage });
  assert.equal((await handleOAuthCallback(newClient())).error.code, 'no_response');
});

// --- Silent ---

async function openFrame() {
  const page = openPage(`${ORIGIN}/app`, { storage });
  const client = newClient();
  const framed = page.nextFrame();
  const login = client.silent.attemptSilentLogin();
  return { page, client, login, frame: await framed };
}

test('silent login asks with prompt=none in a hidden frame and resolves with its tokens', async () => {
  const { page, client, login, frame } = await openFrame();
  assert.equal(new URL(frame.src).searchParams.get('prompt'), 'none');
  assert.equal(frame.hidden, true);
  const tokenData = portal.tokens();
  say(page, new FarWindow(), ORIGIN, { type: 'SILENT_AUTH_SUCCESS', tokenData: { access_token: 'forged' } });
  say(page, frame.contentWindow, 'https://evil.example', { type: 'SILENT_AUTH_SUCCESS', tokenData: { access_token: 'forged' } });
  say(page, frame.contentWindow, ORIGIN, { type: 'SILENT_AUTH_SUCCESS', tokenData });
  assert.deepEqual(await login, tokenData);
  assert.equal(client.tokens.getAccessToken(), tokenData.access_token);
  assert.equal(frame.removed, true);
});

test('silent login without a session is null, asked once, and leaves nothing behind', async () => {
  const { page, client, login, frame } = await openFrame();
  assert.equal(client.silent.attemptSilentLogin(), login);
  say(page, frame.contentWindow, ORIGIN, { type: 'SILENT_AUTH_ERROR', error: 'login_required' });
  assert.equal(await login, null);
  assert.equal(page.frames.length, 1);
  assert.deepEqual(Object.keys(storage), []);
});

test('silent login that nobody answers is null after ten seconds', async (t) => {
  const page = openPage(`${ORIGIN}/app`, { storage });
  const client = newClient();
  await client.discover();
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const framed = page.nextFrame();
  const login = client.silent.attemptSilentLogin();
  const frame = await framed;
  t.mock.timers.tick(9_999);
  assert.equal(frame.removed, undefined);
  t.mock.timers.tick(1);
  assert.equal(await login, null);
  assert.equal(frame.removed, true);
});

test('the callback page in the frame speaks to its parent, on this origin only', async () => {
  const { frame, login } = await openFrame();
  const parent = new FarWindow();
  openPage(returnUrl(portal.grant(frame.src)), { storage, parent, name: frame.name });
  const { tokenData } = await handleOAuthCallback(newClient());
  assert.deepEqual(parent.posted, [{ message: { type: 'SILENT_AUTH_SUCCESS', tokenData }, targetOrigin: ORIGIN }]);
  login.catch(() => null);
});

test('an app that starts inside the frame opens no frame of its own', async () => {
  const page = openPage(`${ORIGIN}/app`, { storage, parent: new FarWindow(), name: 'max-auth-silent' });
  assert.equal(await newClient().silent.attemptSilentLogin(), null);
  assert.equal(page.frames.length, 0);
});

test('web_message: the frame\'s parent redeems the code itself', async () => {
  const page = openPage(`${ORIGIN}/app`, { storage });
  const framed = page.nextFrame();
  const login = newClient({ responseMode: 'web_message' }).silent.attemptSilentLogin();
  const frame = await framed;
  assert.equal(new URL(frame.src).searchParams.get('response_mode'), 'web_message');
  say(page, frame.contentWindow, portal.issuer, { type: 'authorization_response', response: portal.grant(frame.src) });
  assert.match((await login).access_token, /^at-/);
});
