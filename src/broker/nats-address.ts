/** Where servers of NATS are, and who we are to them. */
export interface NatsAddress {
  /** `host:port` of each. */
  readonly servers: readonly string[];
  /** Whether only TLS will do; without, it is used where the server has it. */
  readonly tls: boolean;
  readonly credentials: { readonly user: string; readonly pass: string } | { readonly token: string } | undefined;
  /** First token of all subjects, by which several installations share a server. */
  readonly namespace: string;
}

const defaultPort = 4222;
const defaultNamespace = 'parley';

/**
 * Reads `nats://host:port`, with `tls://` where only TLS will do, `user:password@` or `token@` before the first host,
 * more hosts behind commas, each with its scheme or without, and perhaps `/namespace` behind the last.
 * @returns undefined where it does not read so
 */
export function parseNatsAddress(text: string): NatsAddress | undefined {
  const scheme = /^(nats|tls):\/\//.exec(text)?.[0];
  if (scheme === undefined) return undefined;
  const urls = text.split(',').flatMap((part) => urlOf(part.startsWith(scheme) ? part : scheme + part) ?? []);
  const [first, ...others] = urls;
  const namespace = urls.at(-1)?.pathname.slice(1);
  if (!first || urls.length < text.split(',').length) return undefined;
  if (others.some(({ username, password }) => username + password !== '')) return undefined;
  if (urls.slice(0, -1).some(({ pathname }) => pathname.length > 1)) return undefined;
  if (namespace === undefined || !/^[A-Za-z0-9_-]*$/.test(namespace)) return undefined;
  return {
    servers: urls.map(({ hostname, port }) => `${hostname}:${port || defaultPort}`),
    tls: scheme === 'tls://',
    credentials: credentialsOf(first),
    namespace: namespace || defaultNamespace,
  };
}

function urlOf(text: string): URL | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  return url.hostname === '' || url.search !== '' || url.hash !== '' ? undefined : url;
}

function credentialsOf({ username, password }: URL): NatsAddress['credentials'] {
  if (username === '') return undefined;
  const user = decodeURIComponent(username);
  return password === '' ? { token: user } : { user, pass: decodeURIComponent(password) };
}

/** To be shown: without credentials. */
export function showNatsAddress({ servers, tls, namespace }: NatsAddress): string {
  return `${tls ? 'tls' : 'nats'}://${servers.join(',')}/${namespace}`;
}
