import { z } from 'zod';

/** Where a KurrentDB is, and which streams of it are ours. */
export interface KurrentAddress {
  /** What the client connects by. It may hold a password: never to be logged or told. */
  readonly connectionString: string;
  /** To be shown: its hosts. */
  readonly place: string;
  /** Our streams are named `<namespace>.<category>-<id>` there, so that others may keep theirs in the same log. */
  readonly namespace: string;
  /** The node that is asked for its version, and how. */
  readonly node: { readonly host: string; readonly port: number };
  readonly tls: KurrentTls | undefined;
  /** How long a connection may not answer when it is asked for a sign of life, in ms; not in the string. */
  readonly keepAliveTimeoutMs: number;
  /** After how long the client gives an append up, in ms: its outcome is then unknown, and it is sent again. */
  readonly deadlineMs: number;
}

export interface KurrentTls {
  readonly verify: boolean;
  /** Files in PEM. */
  readonly authority?: string;
  readonly certificate?: string;
  readonly key?: string;
}

/** A URL of KurrentDB can't be used; the message quotes nothing of it that may be secret. */
export class InvalidKurrentUrl extends Error {}

const defaultDeadlineMs = 2_000;
/** As with the client. */
const defaultKeepAliveTimeoutMs = 10_000;
const defaultPort = 2113;
const defaultNamespace = 'parley';
const flag = z.enum(['true', 'false'], { error: 'must be true or false' });
const count = z.string().regex(/^\d+$/, { error: 'must be a whole number' });

/** The client's options, by the names that it documents. */
const options = z.object({
  tls: flag.default('true'),
  tlsVerifyCert: flag.default('true'),
  tlsCAFile: z.string().optional(),
  userCertFile: z.string().optional(),
  userKeyFile: z.string().optional(),
  connectionName: z.string().optional(),
  nodePreference: z.enum(['leader', 'follower', 'readOnlyReplica', 'random']).optional(),
  maxDiscoverAttempts: count.optional(),
  discoveryInterval: count.optional(),
  gossipTimeout: count.optional(),
  keepAliveInterval: count.optional(),
  keepAliveTimeout: count.optional(),
  defaultDeadline: count.optional(),
  throwOnAppendFailure: flag.optional(),
});

type Options = z.infer<typeof options>;
type OptionName = keyof Options;

const names = new Map(Object.keys(options.shape).map((name) => [name.toLowerCase(), name as OptionName]));

interface Pair {
  readonly name: OptionName;
  /** As it stands in the URL. */
  readonly text: string;
}

const form =
  /^(?<scheme>kurrentdb(?:\+discover)?):\/\/(?:(?<user>[^:@/?]+:[^@/?]+)@)?(?<hosts>[^@/?]+)(?:\/(?<namespace>\w*))?(?:\?(?<query>.*))?$/;

/**
 * Reads a connection string of KurrentDB's client such as `kurrentdb://host:2113?tls=false`, perhaps with `/namespace`
 * behind its hosts, which is not the client's but ours. Unknown options are refused: the client would print the whole
 * string, passwords and all.
 * @throws {InvalidKurrentUrl}
 */
export function parseKurrentUrl(url: string): KurrentAddress {
  const parts = form.exec(url)?.groups;
  if (!parts?.hosts) throw new InvalidKurrentUrl('must look like kurrentdb://host:2113/namespace?tls=false');
  const pairs = (parts.query ?? '')
    .split('&')
    .filter((text) => text !== '')
    .map(pairOf);
  const values = valuesOf(pairs);
  const nodes = parts.hosts.split(',').map(nodeOf);
  const kept = pairs.filter(({ name }) => name !== 'keepAliveTimeout').map(({ text }) => text);
  if (values.defaultDeadline === undefined) kept.push(`defaultDeadline=${defaultDeadlineMs}`);
  const user = parts.user === undefined ? '' : `${parts.user}@`;
  return {
    connectionString: `${parts.scheme}://${user}${parts.hosts}?${kept.join('&')}`,
    place: nodes.map(({ host, port }) => `${host}:${port}`).join(', '),
    namespace: parts.namespace || defaultNamespace,
    node: nodes[0] as { host: string; port: number },
    tls: values.tls === 'true' ? tlsOf(values) : undefined,
    keepAliveTimeoutMs: Number(values.keepAliveTimeout ?? defaultKeepAliveTimeoutMs),
    deadlineMs: Number(values.defaultDeadline ?? defaultDeadlineMs),
  };
}

function pairOf(text: string): Pair {
  const [written = ''] = text.split('=', 1);
  const name = names.get(written.toLowerCase());
  if (!name)
    throw new InvalidKurrentUrl(`has an option ${JSON.stringify(written)} that KurrentDB's client does not know`);
  return { name, text };
}

function valuesOf(pairs: readonly Pair[]): Options {
  const given = Object.fromEntries(pairs.map(({ name, text }) => [name, decoded(text.slice(text.indexOf('=') + 1))]));
  const parsed = options.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new InvalidKurrentUrl(
    parsed.error.issues.map(({ path, message }) => `${String(path[0])} ${message}`).join('; '),
  );
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new InvalidKurrentUrl('has an option that is not percent-encoded as it should be');
  }
}

function nodeOf(text: string): { host: string; port: number } {
  const [host = '', port = String(defaultPort), ...more] = text.split(':');
  const isPort = /^\d{1,5}$/.test(port) && Number(port) <= 65_535;
  if (host === '' || !isPort || more.length > 0) throw new InvalidKurrentUrl('must name its hosts as host:port');
  return { host, port: Number(port) };
}

function tlsOf({ tlsVerifyCert, tlsCAFile, userCertFile, userKeyFile }: Options): KurrentTls {
  return {
    verify: tlsVerifyCert === 'true',
    ...(tlsCAFile !== undefined && { authority: tlsCAFile }),
    ...(userCertFile !== undefined && { certificate: userCertFile }),
    ...(userKeyFile !== undefined && { key: userKeyFile }),
  };
}
