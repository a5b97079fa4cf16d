/** Where the browser keeps nothing for a page, because nobody allows it or because it is full, the kit logs in all the same. */

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';

import { PopupOAuthLogin, createClient } from '../../static/sdk/max-auth.js';
import { ORIGIN, forbidStorage, fullStorage, openPage, say } from './page.mjs';
import { Portal } from './portal.mjs';

const TROUBLES = {
  forbidden: () => { const page = openPage(); forbidStorage(); return page; },
  full: () => openPage(undefined, { storage: fullStorage() }),
  'not there': () => { const page = openPage(); globalThis.localStorage = null; return page; },
};
const locks = navigator.locks.request;
let portal;
const clients = [];

const newClient = (options = {}) => {
  const made = createClient({ issuer: portal.issuer, clientId: 'maxlab', redirectUri: `${ORIGIN}/oauth/callback`, ...options });
  clients.push(made);
  return made;
};
const askedBy = async (page) => new URL(await page.popup.isSent).searchParams;
const answer = (page, url) => say(page, page.popup, portal.issuer, { type: 'authorization_response', response: portal.grant(url) });

before(async () => { portal = await Portal.start(); });
after(() => portal.stop());
beforeEach(() => { portal.modes = ['query', 'web_message']; });
afterEach(() => {
  new PopupOAuthLogin().forceCleanup();
  clients.splice(0).forEach((made) => made.close());
  openPage();
  navigator.locks.request = locks;
});

for (const [trouble, begin] of Object.entries(TROUBLES)) {
  test(`storage ${trouble}: the popup answers by a message, since its own page would not find the verifier`, async () => {
    const page = begin();
    const client = newClient();
    const login = client.popup.startAuth();
    assert.equal((await askedBy(page)).get('response_mode'), 'web_message');
    answer(page, await page.popup.isSent);
    const tokens = await login;
    assert.equal(client.tokens.getAccessToken(), tokens.access_token);
    assert.equal(client.storageRefused, false); // memory was asked for, and memory it is
  });

  test(`storage ${trouble}: the code is redeemed once, whatever is posted again`, async () => {
    const page = begin();
    const login = newClient().popup.startAuth();
    const url = await page.popup.isSent;
    answer(page, url);
    await login;
    const redeemed = portal.count('/token');
    answer(page, url);
    await new Promise((resolve) => { setTimeout(resolve, 50); });
    assert.equal(portal.count('/token'), redeemed);
  });

  test(`storage ${trouble}: a portal without messages is asked as usual`, async () => {
    portal.modes = ['query'];
    const page = begin();
    newClient().popup.startAuth().catch(() => null);
    assert.equal((await askedBy(page)).get('response_mode'), null);
  });

  test(`storage ${trouble}: this tab is not left for a login that the next page could not finish`, async () => {
    const page = begin();
    await assert.rejects(newClient().startRedirect(), { code: 'storage_refused' });
    assert.deepEqual(page.location.visited, []);
  });

  test(`storage ${trouble}: tokens that were to be kept are there until the page ends, and it is told`, () => {
    begin();
    const client = newClient({ storage: 'local' });
    client.tokens.setTokens(portal.tokens());
    assert.match(client.tokens.getAccessToken(), /^at-/);
    assert.equal(client.storageRefused, true);
    assert.equal(newClient({ storage: 'local' }).tokens.getAccessToken(), null);
    client.tokens.clearTokens();
    assert.equal(client.tokens.getTokens(), null);
  });
}

test('storage that gave up in the middle hands out nothing that is old', () => {
  const page = openPage();
  const client = newClient({ storage: localStorage });
  client.tokens.setTokens(portal.tokens());
  const first = client.tokens.getAccessToken();
  const keep = page.storage.setItem;
  const refuse = (value) => Object.defineProperty(page.storage, 'setItem', { value, enumerable: false, configurable: true });
  refuse(() => { throw new DOMException('full', 'QuotaExceededError'); });
  client.tokens.setTokens(portal.tokens());
  assert.notEqual(client.tokens.getAccessToken(), first);
  assert.deepEqual(Object.keys(page.storage), []);
  assert.equal(client.storageRefused, true);
  refuse(keep);
  client.tokens.setTokens(portal.tokens());
  assert.equal(client.storageRefused, false);
  assert.equal(newClient({ storage: 'local' }).tokens.getAccessToken(), client.tokens.getAccessToken());
});

test("'local' and 'session' name the browser's own storage", () => {
  const page = openPage();
  globalThis.sessionStorage = openPage().storage;
  globalThis.localStorage = page.storage;
  newClient({ storage: 'local' }).tokens.setTokens(portal.tokens());
  assert.equal(Object.keys(page.storage).length, 1);
  newClient({ storage: 'session' }).tokens.setTokens(portal.tokens());
  assert.equal(Object.keys(globalThis.sessionStorage).length, 1);
  delete globalThis.sessionStorage;
});

test('locks that are refused, as they are where storage is, hold nothing up', async () => {
  const page = openPage();
  forbidStorage();
  navigator.locks.request = () => Promise.reject(new DOMException('denied', 'SecurityError'));
  const client = newClient();
  const login = client.popup.startAuth();
  answer(page, await page.popup.isSent);
  const { refresh_token: held } = await login;
  await client.tokens.refreshAccessToken();
  assert.notEqual(client.tokens.getRefreshToken(), held);
});

test('an error of the work itself is told once and not tried again', async () => {
  openPage();
  const client = newClient();
  client.tokens.setTokens({ ...portal.tokens(), refresh_token: 'never-issued' });
  const asked = portal.count('/token');
  await assert.rejects(client.tokens.refreshAccessToken(), { code: 'invalid_grant' });
  assert.equal(portal.count('/token'), asked + 1);
});

test('a channel that may not be opened is none', async () => {
  const channel = globalThis.BroadcastChannel;
  globalThis.BroadcastChannel = class { constructor() { throw new DOMException('denied', 'SecurityError'); } };
  const page = openPage();
  const login = newClient({ responseMode: 'web_message' }).popup.startAuth();
  answer(page, await page.popup.isSent);
  assert.ok((await login).access_token);
  globalThis.BroadcastChannel = channel;
});
