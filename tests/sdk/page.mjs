/** The few parts of a page that node has none of. Everything else (fetch, WebCrypto, locks, channels) is node's own. */

import { memoryStorage } from '../../static/sdk/max-auth.js';

export const ORIGIN = 'http://app.localhost:3010';

/** A window of another document: remembers what is posted to it and where it is sent. */
export class FarWindow {
  constructor() {
    this.closed = false;
    this.focused = 0;
    this.posted = [];
    this.location = { replace: (url) => { this.url = url; this.sent?.(url); } };
    this.isSent = new Promise((resolve) => { this.sent = resolve; });
  }

  focus() { this.focused += 1; }

  close() { this.closed = true; }

  postMessage(message, targetOrigin) { this.posted.push({ message, targetOrigin }); }

  /** The next URL it is sent to, where it was sent to one before. */
  sentAgain() { return new Promise((resolve) => { this.sent = resolve; }); }
}

class Location {
  constructor(href) { this.href = href; this.visited = []; }

  get origin() { return new URL(this.href).origin; }

  assign(url) { this.visited.push(url); this.leave?.(url); }

  replace(url) { this.assign(url); }

  /** Resolves with the URL this page leaves for. */
  get left() { return new Promise((resolve) => { this.leave = resolve; }); }
}

/** localStorage as pages see it: its keys are its own properties. */
export function sharedStorage() {
  const storage = {};
  const hidden = (name, value) => Object.defineProperty(storage, name, { value, enumerable: false, configurable: true });
  hidden('getItem', (key) => (Object.hasOwn(storage, key) ? storage[key] : null));
  hidden('setItem', (key, value) => { storage[key] = String(value); });
  hidden('removeItem', (key) => { delete storage[key]; });
  return storage;
}

/** Storage as a browser gives it whose owner allows none: `localStorage` itself cannot be named. */
export function forbidStorage() {
  const get = () => { throw new DOMException('Access is denied for this document.', 'SecurityError'); };
  Object.defineProperty(globalThis, 'localStorage', { configurable: true, get, set(value) { restore(value); } });
  const restore = (value) => Object.defineProperty(globalThis, 'localStorage', { configurable: true, writable: true, value });
}

/** Storage that is full: what is there can be read and removed, nothing is added. */
export function fullStorage() {
  const storage = sharedStorage();
  const refuse = () => { throw new DOMException('The quota has been exceeded.', 'QuotaExceededError'); };
  Object.defineProperty(storage, 'setItem', { value: refuse, enumerable: false });
  return storage;
}

/** Make this process a page at `href`; answers its parts. `state` is what history kept over a reload. */
export function openPage(href = `${ORIGIN}/app`, { opener = null, parent, name = '', storage = sharedStorage(), state = null } = {}) {
  const events = new EventTarget();
  const location = new Location(href);
  const frames = [];
  const page = { events, location, storage, frames, popup: new FarWindow(), closed: false, focused: true, headers: {} };
  const history = {
    state,
    replaceState: (next, _title, url) => { history.state = next; location.href = String(url); },
  };
  const document = {
    body: { append: (frame) => { frames.push(frame); frame.contentWindow = new FarWindow(); page.framed?.(frame); } },
    hasFocus: () => page.focused,
    createElement: () => ({ remove() { this.removed = true; } }),
  };
  Object.assign(globalThis, {
    location, history, document, opener, name, localStorage: storage, window: globalThis, parent: parent ?? globalThis,
    screen: { availLeft: 1920, availTop: 0, availWidth: 1280, availHeight: 800 },
    open: (url, target, features) => { page.opened = { url, target, features }; return page.popup; },
    close: () => { page.closed = true; },
    addEventListener: events.addEventListener.bind(events),
    removeEventListener: events.removeEventListener.bind(events),
  });
  page.history = history;
  /** Resolves with the next frame put into the page. */
  page.nextFrame = () => new Promise((resolve) => { page.framed = resolve; });
  return page;
}

/** Deliver a message to the page, as from `source` at `origin`. */
export function say(page, source, origin, data) {
  page.events.dispatchEvent(Object.assign(new Event('message'), { source, origin, data }));
}

export { memoryStorage };
