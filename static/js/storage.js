/** What pages remember from one to the next, as far as the browser lets them remember anything. */

const PROBE = 'portal-probe';

function allowed(work) {
  try {
    return work();
  } catch {
    return null; // forbidden, full, or not there
  }
}

export const remember = (key, value) => allowed(() => localStorage.setItem(key, value));
export const remembered = (key) => allowed(() => localStorage.getItem(key));

/** Something for the next page of this tab, once. */
export const leave = (key, value) => allowed(() => sessionStorage.setItem(key, value));

export function take(key) {
  const value = allowed(() => sessionStorage.getItem(key));
  allowed(() => sessionStorage.removeItem(key));
  return value;
}

/** Whether the browser keeps what is given to it. */
export const canRemember = () => Boolean(allowed(() => {
  localStorage.setItem(PROBE, PROBE);
  localStorage.removeItem(PROBE);
  return true;
}));

/** Whether the browser keeps cookies for this origin; `navigator.cookieEnabled` says so also where it keeps none. */
export function hasCookies() {
  const cookie = (seconds) => allowed(() => { document.cookie = `${PROBE}=1; Max-Age=${seconds}; SameSite=Lax`; });
  cookie(5);
  const isThere = Boolean(allowed(() => document.cookie.includes(`${PROBE}=`)));
  cookie(0);
  return isThere;
}

/** A channel to the other pages of this origin, or null where there is none. */
export const openChannel = (name) => allowed(() => new BroadcastChannel(name));
