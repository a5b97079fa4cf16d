/**
 * MAX Platform browser kit. One ES module, no dependencies; times are milliseconds unless a name says otherwise.
 *
 * Errors are `AuthError`s. `code` is the server's own OAuth error (`access_denied`, `login_required`, `invalid_grant`
 * and so on) or one of the kit's: `popup_blocked`, `cancelled`, `timeout`, `network_error`, `invalid_state`,
 * `attempt_expired`, `interrupted`, `no_response`, `invalid_issuer`, `invalid_id_token`, `invalid_response`,
 * `insecure_context`, `storage_refused`, `wrong_origin`, `wrong_configuration`, `http_<status>`.
 */

export const VERSION: string;

export interface AuthError extends Error {
  name: 'AuthError';
  code: string;
}

/** The token endpoint's answer, as it came (RFC 6749 section 5.1); lifetimes in seconds. */
export interface TokenResponse {
  access_token: string;
  token_type: string;
  expires_in?: number;
  scope?: string;
  refresh_token?: string;
  refresh_expires_in?: number;
  id_token?: string;
  [member: string]: unknown;
}

/** What is stored: the answer with the moments at which its tokens end (milliseconds since the epoch). */
export interface StoredTokens extends TokenResponse {
  expires_at?: number;
  refresh_expires_at?: number;
}

/** Anything with the three methods of `Storage`: `memoryStorage()`, `localStorage`, `sessionStorage` or your own. */
export interface TokenStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/** One thing the kit did, for a log or a debugging page. URLs of kind `request` never hold a token. */
export interface TraceEvent {
  /** `request`: a fetch; `popup`, `silent`, `redirect`: a browser sent to the authorization endpoint. */
  kind: 'request' | 'popup' | 'silent' | 'redirect';
  method: string;
  url: string;
  /** HTTP status; 0 where there is none (navigation, network failure). */
  status: number;
  ms: number;
  /** Why a silent login ended with null. */
  error?: string;
}

export interface ClientOptions {
  /** The portal's public URL, exactly as its metadata spells it. */
  issuer: string;
  clientId: string;
  /** Registered, and on this page's origin. Default: `<origin>/oauth/callback`. */
  redirectUri?: string;
  /** Default: `openid profile email`. */
  scope?: string;
  /**
   * Where tokens are kept. Default: `memoryStorage()`; `'local'` (or `localStorage`) lets every script of the origin read
   * them, `'session'` those of this tab. What it refuses to keep is kept until this page ends: see `storageRefused`.
   */
  storage?: TokenStorage | 'local' | 'session';
  /** How popup and frame answer: by the redirect URI (default), or by a message of the portal's own page. */
  responseMode?: 'query' | 'web_message';
  /** Origins besides this page's and the issuer's that authFetch sends the token to. */
  allowedOrigins?: string[];
  trace?: (event: TraceEvent) => void;
}

/** What one login asks for, where it differs from the client's options. */
export interface LoginRequest {
  scope?: string;
  /** `login`, `consent`, `select_account`, space-separated where OpenID Connect allows it. */
  prompt?: string;
  loginHint?: string;
  /** BCP 47 tags, e.g. `ko`. */
  uiLocales?: string;
  /** Seconds since the last password entry. */
  maxAge?: number;
}

export interface AuthChange {
  /** `expired`: the portal refused the refresh token, and the tokens were cleared. */
  type: 'login' | 'refresh' | 'logout' | 'expired';
  /** Another tab did it. A remote `login` brings no tokens where storage is memory: attemptSilentLogin() does. */
  remote: boolean;
  tokens: StoredTokens | null;
}

export interface CallbackResult {
  mode: 'popup' | 'silent' | 'redirect';
  tokenData?: TokenResponse;
  error?: AuthError;
  /** The page that began the login; after a redirect login, go there. Always on this origin. */
  returnTo?: string;
  /** Popup: whether the page that began it was told. When not, show a way back to `returnTo`. */
  delivered?: boolean;
  /** The page was reloaded after it had finished: say that the window can be closed. */
  finished?: boolean;
  /** The browser is on its way to the portal once more; show nothing final. */
  restarting?: boolean;
}

/** Log in through a popup named `oauth_login` (500×600, centred on this screen). */
export class PopupOAuthLogin {
  /** Without a client: the one of configure(). */
  constructor(client?: AuthClient);
  /**
   * Call it in the click handler itself. While a popup is open a second call brings it to the front and answers the
   * same promise. Resolves with the token response, also kept by the TokenManager. Rejects with `popup_blocked`,
   * `cancelled` (*Authentication was cancelled by the user*), or the server's error.
   *
   * Where the page's own Cross-Origin-Opener-Policy is `same-origin`, a popup the person closes cannot be noticed:
   * offer a button that calls cancel().
   */
  startAuth(request?: LoginRequest): Promise<TokenResponse>;
  /** Close the popup, forget the attempt, reject what is pending as `cancelled`. Safe at any time. */
  forceCleanup(): void;
  /** The same as forceCleanup(). */
  cancel(): void;
  static startAuth(request?: LoginRequest): Promise<TokenResponse>;
  static forceCleanup(): void;
  static cancel(): void;
}

/** Log in without a page, from the session at the portal, by a hidden iframe (`prompt=none`). */
export class SilentAuth {
  constructor(client?: AuthClient);
  /** Resolves null on any failure and after 10 s; concurrent calls share one frame; nothing is ever retried. */
  attemptSilentLogin(request?: LoginRequest): Promise<TokenResponse | null>;
  static attemptSilentLogin(request?: LoginRequest): Promise<TokenResponse | null>;
}

/** The tokens of a client. Instances hold nothing: all of one client's managers see the same tokens. */
export class TokenManager {
  constructor(client?: AuthClient);
  /** Keep a token response. Absent refresh and ID tokens leave the held ones (RFC 6749 section 6). */
  setTokens(response: TokenResponse): void;
  getTokens(): StoredTokens | null;
  getAccessToken(): string | null;
  getRefreshToken(): string | null;
  /** True as well where there is no token. */
  isTokenExpired(): boolean;
  /** Within 5 minutes. */
  isTokenExpiringSoon(): boolean;
  /**
   * Resolves with a new access token. Single flight in this tab and, by Web Locks, across tabs; what one tab renewed
   * the others adopt. Without a refresh token it asks by silent login. Rejects with `login_required`, `network_error`
   * or the server's error; `invalid_grant` clears the tokens.
   */
  refreshAccessToken(): Promise<string>;
  /** The access token, renewed if it ends soon; null where there is none to be had; rejects with `network_error`. */
  getValidAccessToken(): Promise<string | null>;
  clearTokens(): void;
  static setTokens(response: TokenResponse): void;
  static getTokens(): StoredTokens | null;
  static getAccessToken(): string | null;
  static getRefreshToken(): string | null;
  static isTokenExpired(): boolean;
  static isTokenExpiringSoon(): boolean;
  static refreshAccessToken(): Promise<string>;
  static getValidAccessToken(): Promise<string | null>;
  static clearTokens(): void;
}

export interface LogoutOptions {
  /** Go on to the portal's own logout page, which ends its session after a click. */
  redirect?: boolean;
  /** Registered for this client; where the portal sends the browser afterwards. */
  postLogoutRedirectUri?: string;
  state?: string;
}

export interface RedirectRequest extends LoginRequest {
  /** Same origin. Default: this page. */
  returnTo?: string;
}

export interface AuthClient {
  readonly tokens: TokenManager;
  readonly popup: PopupOAuthLogin;
  readonly silent: SilentAuth;
  /** The browser keeps nothing in the storage that was named (forbidden, full): tokens end with this page. */
  readonly storageRefused: boolean;
  authFetch: typeof authFetch;
  getUserInfo: typeof getUserInfo;
  logout: typeof logout;
  onAuthChange: typeof onAuthChange;
  /** The portal's metadata, fetched once per page. Rejects with `invalid_issuer` or `network_error`. */
  discover(): Promise<Record<string, unknown>>;
  startRedirect(request?: RedirectRequest): Promise<void>;
  handleOAuthCallback(): Promise<CallbackResult>;
  /** Stop listening to other tabs. */
  close(): void;
}

/** Set up the client that every exported name uses when it is given none. Throws `wrong_configuration`. */
export function configure(options: ClientOptions): AuthClient;

/** A client of its own, for a page that talks to several portals or as several clients. */
export function createClient(options: ClientOptions): AuthClient;

/** Tokens end with the page. */
export function memoryStorage(): TokenStorage;

/**
 * Finish the login on the page at the redirect URI: takes the answer out of the URL and the history, exchanges the code
 * once, and posts, to this origin only, `{type: 'OAUTH_SUCCESS', token, tokenData}` or `{type: 'OAUTH_ERROR', error,
 * error_description}` to the opener (by BroadcastChannel where the opener is lost), or `{type: 'SILENT_AUTH_SUCCESS',
 * tokenData}` or `{type: 'SILENT_AUTH_ERROR', error, error_description}` to the parent frame. A popup that was heard
 * closes itself. Never rejects: look at `error`. Called twice on one page it runs once.
 */
export function handleOAuthCallback(client?: AuthClient): Promise<CallbackResult>;

/**
 * Log in in this tab, e.g. where the popup was blocked; handleOAuthCallback() answers the tokens and `returnTo`. Rejects
 * with `storage_refused` where the browser keeps nothing for this origin: the next page could not finish the login.
 */
export function startRedirect(request?: RedirectRequest, client?: AuthClient): Promise<void>;

/**
 * `fetch` with the access token, on this origin, the issuer's and `allowedOrigins` only; elsewhere, or where the
 * request has its own Authorization header, plain `fetch`. Renews once at 401 and tries again.
 */
export function authFetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response>;

/** The claims of the person. Rejects with the server's error. */
export function getUserInfo(): Promise<Record<string, unknown>>;

/**
 * Revoke the refresh token, clear the tokens, tell the other tabs. Never rejects. Resolves with the URL of the portal's
 * logout page (null where it has none), which ends the session there; the URL holds no token.
 */
export function logout(options?: LogoutOptions): Promise<string | null>;

/** Hear of logins, renewals and logouts, those of other tabs too. Answers the way to stop. */
export function onAuthChange(listener: (change: AuthChange) => void): () => void;

/** The parts of a JWT, unverified: for display only. Throws where it is no JWT. */
export function decodeToken(token: string): { header: Record<string, unknown>; claims: Record<string, unknown> };
