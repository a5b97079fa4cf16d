import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';

import { PopupOAuthLogin, createClient, decodeToken, handleOAuthCallback } from '../../static/sdk/max-auth.js';
import { FarWindow, ORIGIN, openPage, say, sharedStorage } from './page.mjs';
import { Portal } from './portal.mjs';

const REDIRECT_URI = `${ORIGIN}/oauth/callback`;
const CUT_OFF = { 'cross-origin-opener-policy': 'same-origin' };
const networkFetch = globalThis.fetch;
let portal;
let page;
let client;
const clients = [];

const newClient = (options = {}) => {
  const made = createClient({ issuer: portal.issuer, clientId: 'maxlab', redirectUri: REDIRECT_URI, ...options });
  clients.push(made);
  return made;
};
const wait = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
const returnUrl = (response) => `${REDIRECT_URI}?${new URLSearchParams(response)}`;
const attemptsIn = (storage) => Object.keys(storage).filter((key) => key.startsWith('max-auth:attempt:'));

before(async () => { portal = await Portal.start(); });
after(() => portal.stop());
beforeEach(() => {
  page = openPage();
  // The page's own server: answers with the page's headers, as the portal is reached over the network.
  globalThis.fetch = (input, init) => (String(input).startsWith(ORIGIN)
    ? Promise.resolve(new Response(null, { headers: page.headers })) : networkFetch(input, init));
  client = newClient();
});
afterEach(() => {
  new PopupOAuthLogin().forceCleanup();
  clients.splice(0).forEach((made) => made.close());
});

test('the popup is opened in the click, before anything is awaited, 500 by 600 on the screen of its opener', async () => {
  const login = client.popup.startAuth();
  assert.equal(page.opened.target, 'oauth_login');
  assert.equal(page.opened.features, 'popup=yes,width=500,height=600,left=2310,top=100');
  login.catch(() => null);
});

test('the request asks by code with S256, state, nonce and the popup layout, and keeps the verifier out of it', async () => {
  client.popup.startAuth({ prompt: 'select_account', uiLocales: 'ko' }).catch(() => null);
  const asked = new URL(await page.popup.isSent).searchParams;
  const kept = JSON.parse(page.storage[attemptsIn(page.storage)[0]]);
  assert.equal(asked.get('response_type'), 'code');
  assert.equal(asked.get('code_challenge_method'), 'S256');
  assert.equal(asked.get('display'), 'popup');
  assert.equal(asked.get('prompt'), 'select_account');
  assert.equal(asked.get('ui_locales'), 'ko');
  assert.match(kept.verifier, /^[\w-]{43}$/);
  assert.equal(asked.toString().includes(kept.verifier), false);
});

test('a blocked popup is told at once', async () => {
  globalThis.open = () => null;
  await assert.rejects(client.popup.startAuth(), { code: 'popup_blocked', message: /^Popup was blocked/ });
});

test('the success of the callback page resolves with the token response and is kept', async () => {
  const login = client.popup.startAuth();
  const tokenData = portal.tokens();
  await page.popup.isSent;
  say(page, page.popup, ORIGIN, { type: 'OAUTH_SUCCESS', token: tokenData.access_token, tokenData });
  assert.deepEqual(await login, tokenData);
  assert.equal(client.tokens.getAccessToken(), tokenData.access_token);
  assert.equal(page.popup.closed, true);
});

test('messages of another window or another origin are not heard', async () => {
  const login = client.popup.startAuth();
  const forged = { type: 'OAUTH_SUCCESS', token: 'x', tokenData: { access_token: 'forged' } };
  await page.popup.isSent;
  say(page, new FarWindow(), ORIGIN, forged);
  say(page, page.popup, 'https://evil.example', forged);
  say(page, page.popup, portal.issuer, forged);
  say(page, page.popup, ORIGIN, { type: 'OAUTH_ERROR', error: 'access_denied', error_description: 'No.' });
  await assert.rejects(login, { code: 'access_denied', message: 'No.' });
  assert.equal(client.tokens.getAccessToken(), null);
});

test('web_message: the opener redeems the code itself', async () => {
  const messenger = newClient({ responseMode: 'web_message' });
  const login = messenger.popup.startAuth();
  const url = await page.popup.isSent;
  assert.equal(new URL(url).searchParams.get('response_mode'), 'web_message');
  say(page, page.popup, portal.issuer, { type: 'authorization_response', response: portal.grant(url) });
  const tokens = await login;
  assert.equal(decodeToken(tokens.id_token).claims.name, '김민수');
  assert.deepEqual(attemptsIn(page.storage), []);
});

test('web_message: an answer with another state or from another origin is not heard', async () => {
  const login = newClient({ responseMode: 'web_message' }).popup.startAuth();
  const url = await page.popup.isSent;
  const seen = portal.requests.length;
  say(page, page.popup, portal.issuer, { type: 'authorization_response', response: portal.grant(url, { state: 'other' }) });
  say(page, page.popup, ORIGIN, { type: 'authorization_response', response: portal.grant(url) });
  assert.equal(portal.requests.length, seen);
  say(page, page.popup, portal.issuer, { type: 'authorization_response', response: { error: 'access_denied', state: new URL(url).searchParams.get('state'), iss: portal.issuer } });
  await assert.rejects(login, { code: 'access_denied' });
});

for (const [rule, iss] of [['another issuer', 'https://evil.example'], ['no issuer', undefined]]) {
  test(`an answer that names ${rule} is refused before the code is used`, async () => {
    const login = newClient({ responseMode: 'web_message' }).popup.startAuth();
    const url = await page.popup.isSent;
    const before = portal.count('/token');
    say(page, page.popup, portal.issuer, { type: 'authorization_response', response: portal.grant(url, { iss }) });
    await assert.rejects(login, { code: 'invalid_issuer' });
    assert.equal(portal.count('/token'), before);
  });
}

test('a popup closed by the person is a cancelled login, even right after opening', async () => {
  const login = client.popup.startAuth();
  await page.popup.isSent;
  page.popup.close();
  await assert.rejects(login, { code: 'cancelled', message: 'Authentication was cancelled by the user' });
});

test('a popup closed while still blank is a cancelled login', async () => {
  const login = client.popup.startAuth();
  page.popup.close();
  await assert.rejects(login, { code: 'cancelled' });
});

test('where the page cuts its popups off, closed means nothing and the channel brings the result', async () => {
  page.headers = CUT_OFF;
  const login = client.popup.startAuth();
  const url = await page.popup.isSent;
  page.popup.close();
  await wait(900);
  const response = portal.grant(url);
  openPage(returnUrl(response), { storage: page.storage });
  const finished = await handleOAuthCallback(newClient());
  assert.equal(finished.delivered, true);
  assert.equal((await login).access_token, client.tokens.getAccessToken());
});

test('where a page on the way cut the popup off, the login that finishes late still signs in', async () => {
  const login = client.popup.startAuth();
  const url = await page.popup.isSent;
  page.popup.close();
  await assert.rejects(login, { code: 'cancelled' });
  const signedIn = new Promise((resolve) => { client.onAuthChange(resolve); });
  openPage(returnUrl(portal.grant(url)), { storage: page.storage });
  await handleOAuthCallback(newClient());
  assert.equal((await signedIn).type, 'login');
  assert.notEqual(client.tokens.getAccessToken(), null);
});

const leave = () => say(page, page.popup, portal.issuer, { type: 'LOGIN_ELSEWHERE' });
const isPending = async (login) => (await Promise.race([login.catch(() => null), wait(1_000).then(() => 'pending')])) === 'pending';

test('where the person goes on at another site, closed means nothing and the login that finishes there is the answer', async () => {
  const login = client.popup.startAuth();
  const url = await page.popup.isSent;
  leave();
  page.popup.close();
  assert.equal(await isPending(login), true);
  openPage(returnUrl(portal.grant(url)), { storage: page.storage });
  assert.equal((await handleOAuthCallback(newClient())).delivered, true);
  assert.equal((await login).access_token, client.tokens.getAccessToken());
});

test('whoever is back on the page from there without an answer has cancelled, and may still finish', async () => {
  const login = client.popup.startAuth();
  const url = await page.popup.isSent;
  leave();
  page.popup.close();
  page.events.dispatchEvent(new Event('focus'));
  await assert.rejects(login, { code: 'cancelled' });
  const signedIn = new Promise((resolve) => { client.onAuthChange(resolve); });
  openPage(returnUrl(portal.grant(url)), { storage: page.storage });
  await handleOAuthCallback(newClient());
  assert.equal((await signedIn).type, 'login');
});

test('whoever looks at the page while the popup is open has cancelled nothing', async () => {
  const login = client.popup.startAuth();
  await page.popup.isSent;
  leave();
  page.events.dispatchEvent(new Event('focus'));
  await wait(1_000);
  assert.equal(await isPending(login), true);
});

test('a page that has the focus for a moment only is not where the person is', async () => {
  const login = client.popup.startAuth();
  await page.popup.isSent;
  leave();
  page.popup.close();
  page.events.dispatchEvent(new Event('focus'));
  page.focused = false;
  await wait(1_500);
  assert.equal(await isPending(login), true);
});

for (const [rule, origin, source] of [['another origin', () => 'https://evil.example'], ['another window', () => portal.issuer, new FarWindow()]]) {
  test(`that somebody goes on elsewhere is not believed from ${rule}`, async () => {
    const login = client.popup.startAuth();
    await page.popup.isSent;
    say(page, source ?? page.popup, origin(), { type: 'LOGIN_ELSEWHERE' });
    page.popup.close();
    await assert.rejects(login, { code: 'cancelled' });
  });
}

test('a second click brings the open popup to the front and waits for the same login', async () => {
  const login = client.popup.startAuth();
  const again = client.popup.startAuth();
  assert.equal(again, login);
  assert.equal(page.popup.focused, 2);
  login.catch(() => null);
});

test('forceCleanup closes the popup, forgets the attempt and rejects', async () => {
  const login = client.popup.startAuth();
  await page.popup.isSent;
  client.popup.forceCleanup();
  await assert.rejects(login, { code: 'cancelled' });
  assert.equal(page.popup.closed, true);
  assert.deepEqual(attemptsIn(page.storage), []);
});

test('a portal that cannot be reached closes the popup and says so', async () => {
  const login = newClient({ issuer: 'http://127.0.0.1:9' }).popup.startAuth();
  await assert.rejects(login, { code: 'network_error' });
  assert.equal(page.popup.closed, true);
});

test('a portal that calls itself otherwise is refused', async () => {
  const login = newClient({ issuer: `${portal.issuer}/` }).popup.startAuth();
  await assert.rejects(login, { code: 'invalid_issuer' });
});

test('a redirect URI on another origin is refused before the browser is sent away', async () => {
  const login = newClient({ redirectUri: 'https://elsewhere.example/cb' }).popup.startAuth();
  await assert.rejects(login, { code: 'wrong_origin' });
});

test('an answer after ten minutes is not redeemed; the login is begun again in the same popup', async (t) => {
  const login = newClient({ responseMode: 'web_message' }).popup.startAuth();
  const url = await page.popup.isSent;
  const before = portal.count('/token');
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 11 * 60_000 });
  const again = page.popup.sentAgain();
  say(page, page.popup, portal.issuer, { type: 'authorization_response', response: portal.grant(url) });
  const next = await again;
  assert.equal(portal.count('/token'), before);
  assert.notEqual(new URL(next).searchParams.get('code_challenge'), new URL(url).searchParams.get('code_challenge'));
  const tokenData = portal.tokens();
  say(page, page.popup, ORIGIN, { type: 'OAUTH_SUCCESS', token: tokenData.access_token, tokenData });
  assert.deepEqual(await login, tokenData);
});

test('unfinished attempts are swept after a day', async (t) => {
  client.popup.startAuth().catch(() => null);
  await page.popup.isSent;
  const [old] = attemptsIn(page.storage);
  page.popup = new FarWindow();
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 25 * 3600_000 });
  newClient().startRedirect();
  await page.location.left;
  assert.equal(attemptsIn(page.storage).includes(old), false);
});

test('an ID token of another login is refused', async () => {
  const login = newClient({ responseMode: 'web_message' }).popup.startAuth();
  const url = await page.popup.isSent;
  const response = portal.grant(url);
  portal.codes.get(response.code).nonce = 'of another login';
  say(page, page.popup, portal.issuer, { type: 'authorization_response', response });
  await assert.rejects(login, { code: 'invalid_id_token' });
});

test('several logins at once from one storage do not disturb each other', async () => {
  const storage = sharedStorage();
  openPage(`${ORIGIN}/a`, { storage });
  const first = newClient();
  const left = globalThis.location.left;
  first.startRedirect();
  const one = await left;
  const other = openPage(`${ORIGIN}/b`, { storage });
  const leftToo = other.location.left;
  newClient().startRedirect();
  const two = await leftToo;
  openPage(returnUrl(portal.grant(two)), { storage });
  assert.equal((await handleOAuthCallback(newClient())).returnTo, `${ORIGIN}/b`);
  openPage(returnUrl(portal.grant(one)), { storage });
  assert.equal((await handleOAuthCallback(newClient())).returnTo, `${ORIGIN}/a`);
});
