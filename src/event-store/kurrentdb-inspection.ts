import { readFile } from 'node:fs/promises';
import { get as getPlain } from 'node:http';
import { get as getSecure, type RequestOptions } from 'node:https';
import { json } from 'node:stream/consumers';
import { z } from 'zod';
import type { KurrentAddress, KurrentTls } from './kurrentdb-address.js';

/** What a server can do that we need, and since when. */
const abilities = [
  { since: [25, 1], what: 'appends to several streams at once', isNeeded: true },
  { since: [26, 1], what: 'checks of streams that an append does not write to', isNeeded: false },
] as const;

export interface KurrentInspection {
  /** As the server tells it; undefined if it tells none. */
  readonly version: string | undefined;
  /** What it lacks, with the version that has it. */
  readonly lacks: readonly string[];
  /** Whether we can work with it all the same. */
  readonly isUsable: boolean;
}

const info = z.object({ dbVersion: z.string() });
const answerWithinMs = 2_000;

/** Asks a server for its version. One that does not tell is taken for a current one: it will refuse what it can't do. */
export async function inspectKurrent(address: KurrentAddress): Promise<KurrentInspection> {
  const version = await askVersion(address).catch(() => undefined);
  const lacking = version === undefined ? [] : abilities.filter(({ since }) => isOlder(version, since));
  return {
    version,
    lacks: lacking.map(({ since, what }) => `${what} (${since.join('.')} or later)`),
    isUsable: lacking.every(({ isNeeded }) => !isNeeded),
  };
}

/** Builds of developers are of version 0, and have everything. */
function isOlder(version: string, [major, minor]: readonly [number, number]): boolean {
  const [theirs = 0, their = 0] = version.split('.').map(Number);
  return theirs > 0 && (theirs < major || (theirs === major && their < minor));
}

async function askVersion({ node, tls }: KurrentAddress): Promise<string> {
  const options = { ...node, path: '/info', signal: AbortSignal.timeout(answerWithinMs), agent: false };
  const body = tls
    ? await fetchJson(getSecure, { ...options, ...(await credentialsOf(tls)) })
    : await fetchJson(getPlain, options);
  return info.parse(body).dbVersion;
}

async function credentialsOf({ verify, authority, certificate, key }: KurrentTls): Promise<RequestOptions> {
  const read = async (path: string | undefined) => (path === undefined ? undefined : await readFile(path));
  const [ca, cert, own] = [await read(authority), await read(certificate), await read(key)];
  return { rejectUnauthorized: verify, ...(ca && { ca }), ...(cert && { cert }), ...(own && { key: own }) };
}

function fetchJson(get: typeof getPlain | typeof getSecure, options: RequestOptions): Promise<unknown> {
  return new Promise((resolve, reject) => {
    get(options, (response) => resolve(json(response))).on('error', reject);
  });
}
