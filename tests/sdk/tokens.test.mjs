import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';

import * as kit from '../../static/sdk/max-auth.js';
import { ORIGIN, memoryStorage, openPage } from './page.mjs';
import { Portal } from './portal.mjs';

const networkFetch = globalThis.fetch;
const ELSEWHERE = 'http://other.localhost:9/data';
let portal;
let client;
let seen;
const clients = [];

const newClient = (options = {}) => {
  const made = kit.createClient({ issuer: portal.issuer, clientId: 'maxlab', redirectUri: `${ORIGIN}/oauth/callback`, ...options });
  clients.push(made);
  return made;
};
const settle = () => new Promise((resolve) => { setTimeout(resolve, 120); });

before(async () => { portal = await Portal.start(); });
after(() => portal.stop());
beforeEach(() => {
  openPage();
  seen = [];
  globalThis.fetch = (input, init) => {
    const request = new Request(input.clone?.() ?? input, init);
    seen.push(request);
    return request.url === ELSEWHERE ? Promise.resolve(new Response('{}')) : networkFetch(input, init);
  };
  portal.requests.length = 0;
  portal.revoked.length = 0;
  client = newClient();
});
afterEach(() => clients.splice(0).forEach((made) => made.close()));

test('tokens are kept in memory unless a storage is named', () => {
  client.tokens.setTokens(portal.tokens());
  assert.deepEqual(Object.keys(localStorage), []);
  newClient({ storage: localStorage }).tokens.setTokens(portal.tokens());
  assert.equal(Object.keys(localStorage).length, 1);
});

for (const [seconds, expired, soon] of [[3600, false, false], [301, false, false], [299, false, true], [0, true, true]]) {
  test(`a token with ${seconds} seconds left: expired ${expired}, expiring soon ${soon}`, () => {
    client.tokens.setTokens(portal.tokens(null, seconds));
    assert.equal(client.tokens.isTokenExpired(), expired);
    assert.equal(client.tokens.isTokenExpiringSoon(), soon);
  });
}

test('without tokens everything is expired and nothing is there', async () => {
  assert.equal(client.tokens.isTokenExpired(), true);
  assert.equal(client.tokens.getAccessToken(), null);
  assert.equal(client.tokens.getRefreshToken(), null);
  assert.equal(await client.tokens.getValidAccessToken(), null);
});

test('a token answer without a refresh token leaves the held one', () => {
  const first = portal.tokens();
  client.tokens.setTokens(first);
  client.tokens.setTokens({ access_token: 'next', token_type: 'Bearer', expires_in: 60 });
  assert.equal(client.tokens.getAccessToken(), 'next');
  assert.equal(client.tokens.getRefreshToken(), first.refresh_token);
});

test('a new login inherits nothing from the one before', () => {
  client.signIn(portal.tokens());
  client.signIn({ access_token: 'of another person', token_type: 'Bearer' });
  assert.equal(client.tokens.getRefreshToken(), null);
});

test('renewals asked for at once are one request', async () => {
  client.tokens.setTokens(portal.tokens(null, 10));
  const answers = await Promise.all(Array.from({ length: 20 }, () => client.tokens.getValidAccessToken()));
  assert.equal(new Set(answers).size, 1);
  assert.equal(portal.count('/token'), 1);
});

test('two tabs with one storage renew once', async () => {
  const tabs = [newClient({ storage: localStorage }), newClient({ storage: localStorage })];
  tabs[0].tokens.setTokens(portal.tokens(null, 10));
  const [one, two] = await Promise.all(tabs.map((tab) => tab.tokens.refreshAccessToken()));
  assert.equal(one, two);
  assert.equal(portal.count('/token'), 1);
});

test('two tabs that hold the same refresh token in storages of their own renew once', async () => {
  const tabs = [newClient({ storage: memoryStorage() }), newClient({ storage: memoryStorage() })];
  const tokens = portal.tokens(null, 10);
  tabs.forEach((tab) => tab.tokens.setTokens(tokens));
  const [one, two] = await Promise.all(tabs.map((tab) => tab.tokens.refreshAccessToken()));
  assert.equal(one, two);
  assert.equal(portal.count('/token'), 1);
});

test('a tab with another refresh token does not adopt what this one renewed', async () => {
  const other = newClient();
  const own = portal.tokens();
  other.tokens.setTokens(own);
  client.tokens.setTokens(portal.tokens());
  await client.tokens.refreshAccessToken();
  await settle();
  assert.equal(other.tokens.getAccessToken(), own.access_token);
});

test('a renewal whose answer was lost is asked for once more', async () => {
  client.tokens.setTokens(portal.tokens(null, 10));
  portal.broken = 1;
  assert.match(await client.tokens.refreshAccessToken(), /^at-/);
  assert.equal(portal.count('/token'), 2);
});

test('while the portal is away a token that still lives is handed out, a dead one is not', async () => {
  client.tokens.setTokens(portal.tokens(null, 10));
  portal.broken = 2;
  assert.match(await client.tokens.getValidAccessToken(), /^at-/);
  client.tokens.setTokens(portal.tokens(null, 0));
  portal.broken = 2;
  await assert.rejects(client.tokens.getValidAccessToken(), { code: 'network_error' });
  assert.notEqual(client.tokens.getRefreshToken(), null);
});

test('a refused refresh token clears the tokens and says so', async () => {
  const heard = [];
  client.onAuthChange(({ type, tokens }) => heard.push([type, tokens]));
  client.tokens.setTokens({ ...portal.tokens(null, 0), refresh_token: 'rt-unknown' });
  await assert.rejects(client.tokens.refreshAccessToken(), { code: 'invalid_grant', message: 'Invalid or expired refresh token' });
  assert.equal(client.tokens.getTokens(), null);
  assert.deepEqual(heard, [['expired', null]]);
});

test('signed out while a renewal is under way: what it brings is revoked, not kept', async () => {
  client.tokens.setTokens(portal.tokens(null, 10));
  await client.discover();
  const renewal = client.tokens.refreshAccessToken();
  client.tokens.clearTokens();
  await assert.rejects(renewal, { code: 'login_required' });
  assert.equal(client.tokens.getTokens(), null);
  assert.equal(portal.revoked.length, portal.count('/token'));
});

// --- Requests ---

test('authFetch adds the token for the issuer and this origin, and for named origins only', async () => {
  const tokens = portal.tokens();
  client.tokens.setTokens(tokens);
  assert.equal((await client.authFetch(`${portal.issuer}/userinfo`)).status, 200);
  await client.authFetch(ELSEWHERE);
  assert.equal(seen.at(-2).headers.get('authorization'), `Bearer ${tokens.access_token}`);
  assert.equal(seen.at(-1).headers.get('authorization'), null);
  const trusting = newClient({ allowedOrigins: ['http://other.localhost:9'] });
  trusting.tokens.setTokens(tokens);
  await trusting.authFetch(ELSEWHERE);
  assert.equal(seen.at(-1).headers.get('authorization'), `Bearer ${tokens.access_token}`);
});

test('a request with its own Authorization header is left as it is', async () => {
  client.tokens.setTokens(portal.tokens());
  await client.authFetch(`${portal.issuer}/userinfo`, { headers: { Authorization: 'Basic x' } });
  assert.equal(seen.at(-1).headers.get('authorization'), 'Basic x');
});

test('at 401 the token is renewed once and the request, body and all, sent again', async () => {
  const tokens = portal.tokens();
  client.tokens.setTokens(tokens);
  portal.live.delete(tokens.access_token);
  const response = await client.authFetch(`${portal.issuer}/userinfo`, { method: 'POST', body: 'name=민수' });
  const sent = portal.requests.filter((request) => request.path === '/userinfo');
  assert.equal(response.status, 200);
  assert.deepEqual(sent.map((request) => request.body), ['name=민수', 'name=민수']);
  assert.equal(portal.count('/token'), 1);
});

test('a second 401 is the answer', async () => {
  client.tokens.setTokens(portal.tokens());
  const { live } = portal;
  portal.live = { get: (token) => (token?.startsWith('rt-') ? 'refresh' : undefined), set() { return this; }, delete() {} };
  const response = await client.authFetch(`${portal.issuer}/userinfo`);
  portal.live = live;
  assert.equal(response.status, 401);
  assert.equal(portal.count('/userinfo'), 2);
  assert.equal(portal.count('/token'), 1);
});

test('requests that meet the same dead token renew it once', async () => {
  const tokens = portal.tokens();
  client.tokens.setTokens(tokens);
  portal.live.delete(tokens.access_token);
  const responses = await Promise.all([1, 2, 3, 4].map(() => client.authFetch(`${portal.issuer}/userinfo`)));
  assert.deepEqual(responses.map((response) => response.status), [200, 200, 200, 200]);
  assert.equal(portal.count('/token'), 1);
});

test('getUserInfo answers the claims, or the server\'s error', async () => {
  client.tokens.setTokens(portal.tokens());
  assert.deepEqual(await client.getUserInfo(), { sub: 'u1', name: '김민수' });
  client.tokens.clearTokens();
  await assert.rejects(client.getUserInfo(), { code: 'invalid_token', message: 'The token is not valid.' });
});

// --- Logout ---

test('logout revokes the refresh token, clears, and answers the portal\'s logout page without a token in it', async () => {
  const tokens = portal.tokens({ nonce: 'n', client_id: 'maxlab' });
  client.tokens.setTokens(tokens);
  const url = new URL(await client.logout({ postLogoutRedirectUri: `${ORIGIN}/bye`, state: 's1' }));
  assert.deepEqual(portal.revoked, [tokens.refresh_token]);
  assert.equal(client.tokens.getTokens(), null);
  assert.equal(url.pathname, '/logout');
  assert.deepEqual(Object.fromEntries(url.searchParams), { client_id: 'maxlab', post_logout_redirect_uri: `${ORIGIN}/bye`, state: 's1' });
});

test('logout reaches the other tabs, which revoke what they hold', async () => {
  const other = newClient();
  const held = portal.tokens();
  const heard = [];
  other.onAuthChange(({ type, remote }) => heard.push([type, remote]));
  other.tokens.setTokens(held);
  client.tokens.setTokens(portal.tokens());
  await client.logout();
  await settle();
  assert.equal(other.tokens.getTokens(), null);
  assert.deepEqual(heard, [['logout', true]]);
  assert.equal(portal.revoked.includes(held.refresh_token), true);
});

test('logout of one client leaves another client of the same origin alone', async () => {
  const other = newClient({ clientId: 'maxllm' });
  other.tokens.setTokens(portal.tokens());
  client.tokens.setTokens(portal.tokens());
  await client.logout();
  await settle();
  assert.notEqual(other.tokens.getAccessToken(), null);
});

test('a portal that cannot be reached does not keep anybody logged in', async () => {
  const away = newClient({ issuer: 'http://127.0.0.1:9' });
  away.tokens.setTokens(portal.tokens());
  assert.equal(await away.logout(), null);
  assert.equal(away.tokens.getTokens(), null);
});

// --- Set-up ---

test('no token is ever part of a URL', async () => {
  client.tokens.setTokens(portal.tokens(null, 10));
  await client.getUserInfo();
  await client.logout();
  assert.equal(seen.some((request) => /[ar]t-/.test(request.url)), false);
});

test('the trace tells each request with its status and without tokens', async () => {
  const events = [];
  const traced = newClient({ trace: (event) => events.push(event) });
  traced.tokens.setTokens(portal.tokens());
  await traced.getUserInfo();
  assert.deepEqual(events.map(({ kind, method, url, status }) => [kind, method, url, status]), [
    ['request', 'GET', `${portal.issuer}/.well-known/openid-configuration`, 200],
    ['request', 'GET', `${portal.issuer}/userinfo`, 200],
  ]);
});

test('the exported names work on the configured client, classes with and without new', async () => {
  const configured = kit.configure({ issuer: portal.issuer, clientId: 'maxlab' });
  clients.push(configured);
  kit.TokenManager.setTokens(portal.tokens());
  assert.equal(new kit.TokenManager().getAccessToken(), configured.tokens.getAccessToken());
  assert.deepEqual(await kit.getUserInfo(), { sub: 'u1', name: '김민수' });
  assert.equal((await kit.authFetch(`${portal.issuer}/userinfo`)).status, 200);
  await kit.logout();
  assert.equal(kit.TokenManager.getAccessToken(), null);
});

test('a client without issuer or client_id is refused by name', () => {
  assert.throws(() => kit.createClient({ clientId: 'maxlab' }), { code: 'wrong_configuration', message: /issuer/ });
  assert.throws(() => kit.createClient({ issuer: portal.issuer }), { code: 'wrong_configuration', message: /clientId/ });
});

test('metadata that failed to load is asked for again', async () => {
  const at = newClient({ issuer: 'http://127.0.0.1:9' });
  await assert.rejects(at.discover(), { code: 'network_error' });
  const before = seen.length;
  await assert.rejects(at.discover(), { code: 'network_error' });
  assert.equal(seen.length, before + 1);
});
