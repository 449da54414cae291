import { readFileSync } from 'node:fs';
import { parse as parseDotenv } from 'dotenv';
import { z } from 'zod';
import { leastPasswordLength } from './auth/password-rules.js';
import { type NatsAddress, parseNatsAddress } from './broker/nats-address.js';
import type { CommandsPerMinute } from './commands/command-limits.js';
import { InvalidKurrentUrl, type KurrentAddress, parseKurrentUrl } from './event-store/kurrentdb-address.js';
import type { MasterKey } from './keys/master-keys.js';
import { mailbox } from './mail/address.js';
import { type MailConfig, mailConfigOf, mailFaults } from './mail/settings.js';
import { besides, type MongoLocation, parseMongoLocation } from './mongodb/location.js';

/**
 * The settings, from the weakest source to the strongest: defaults, the JSON file named by `CONFIG_FILE`, `.env`, the
 * environment. They have the same names everywhere.
 */

export const roles = ['api', 'edge', 'projector', 'relay', 'reactor'] as const;
export type Role = (typeof roles)[number];

const port = z.coerce.number().int().min(0).max(65_535);

/** The embedded adapter by its name, or a server's by its URL; one that this version does not have is refused. */
function adapter<const Embedded extends string, const Scheme extends string = never>(
  embedded: Embedded,
  ...schemes: Scheme[]
) {
  const known = [embedded, ...schemes.map((scheme) => `${scheme}://…`)].join(' or ');
  const isKnown = (text: string) =>
    text === embedded || schemes.some((scheme) => text.startsWith(`${scheme}://`) && text.length > scheme.length + 3);
  return z.custom<Embedded | `${Scheme}://${string}`>((value) => typeof value === 'string' && isKnown(value), {
    error: `must be ${known}: this version has no other`,
  });
}

const eventStore = adapter('sqlite', 'kurrentdb', 'kurrentdb+discover').transform(
  (value, context): 'sqlite' | KurrentAddress => {
    if (value === 'sqlite') return value;
    try {
      return parseKurrentUrl(value);
    } catch (error) {
      if (!(error instanceof InvalidKurrentUrl)) throw error;
      context.addIssue({ code: 'custom', message: error.message });
      return z.NEVER;
    }
  },
);

/** @param database - where the URL names none */
function sqliteOrMongo(database: string) {
  return adapter('sqlite', 'mongodb', 'mongodb+srv').transform((value, context): 'sqlite' | MongoLocation => {
    if (value === 'sqlite') return value;
    const location = parseMongoLocation(value, database);
    if (location) return location;
    const message =
      'must be mongodb:// or mongodb+srv://, perhaps user:password@, then host:port,host:port… and /database';
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });
}

const broker = adapter('in-process', 'nats', 'tls').transform((value, context): 'in-process' | NatsAddress => {
  if (value === 'in-process') return value;
  const address = parseNatsAddress(value);
  if (address) return address;
  const message = 'must be nats:// or tls://, perhaps user:password@, then host:port,host:port… and perhaps /namespace';
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
});

const commaList = z.string().transform((text) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== ''),
);

/** An exact web origin, such as https://talk.example.org. */
const origin = z.string().refine((text) => isOrigin(text), {
  error: 'must be origins such as https://talk.example.org, separated by commas',
});

/** Where links begin, such as https://example.org/talk, or https://example.org/# for a page that finds its way there. */
const linkBase = z
  .url({ protocol: /^https?$/, error: 'must be a URL such as https://example.org/talk' })
  .refine((text) => !text.includes('?'), { error: 'must be a URL without ?' })
  .transform((text) => text.replace(/\/+$/, ''));

function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text && !text.includes('*');
}

const secret = z.string().min(1).optional();

/** 32 bytes, by themselves the first version of the master key; else after their version, such as `2:…`. */
const masterKey = z.string().transform((text, context): MasterKey => {
  const { version = '1', hex, base64 } = masterKeyForm.exec(text)?.groups ?? {};
  const key = hex === undefined ? Buffer.from(base64 ?? '', 'base64') : Buffer.from(hex, 'hex');
  if (key.length === 32 && !isGuessable(key.toString('hex'))) return { version: Number(version), key };
  const form = 'must be 32 random bytes in base64 or hex (openssl rand -base64 32), or such after a version, as 2:…';
  context.addIssue({ code: 'custom', message: key.length === 32 ? 'must not be a default one' : form });
  return z.NEVER;
});
const masterKeyForm = /^(?:(?<version>[1-9]\d{0,8}):)?(?:(?<hex>[0-9a-f]{64})|(?<base64>[\w+/-]{43}=?))$/i;

const count = z.coerce.number().int().min(1).max(1_000_000_000);

/** `true` or `false`, `1` or `0`, `yes` or `no`. */
const flag = z.union([z.boolean(), z.stringbool()], { error: 'must be true or false' });

/** What a claim of a token may name someone by: a word, or a URI. */
const claimName = z.string().regex(/^[\x21-\x7e]{1,200}$/, 'must be 1 to 200 visible ASCII characters');

const settings = z.object({
  NODE_ENV: z.enum(['development', 'test', 'production']).default('development'),
  PORT: port.default(3000),
  PARLEY_EDGE_PORT: port.default(3001),
  PARLEY_HOST: z.string().min(1).default('127.0.0.1'),
  PARLEY_DATA_DIR: z.string().min(1).default('./data'),
  FRONTEND_URL: commaList.pipe(z.array(origin)).default([]),
  JWT_SECRET: secret,
  PARLEY_MASTER_KEY: masterKey.optional(),
  PARLEY_PREVIOUS_MASTER_KEYS: commaList.pipe(z.array(masterKey)).default([]),
  PARLEY_ISSUER: claimName.default('parley'),
  PARLEY_AUDIENCE: claimName.default('parley'),
  PARLEY_EVENT_STORE: eventStore.default('sqlite'),
  PARLEY_READ_STORE: sqliteOrMongo('parley').default('sqlite'),
  PARLEY_KEYS: sqliteOrMongo('parley-keys').optional(),
  PARLEY_BROKER: broker.default('in-process'),
  PARLEY_ROLES: commaList.pipe(z.array(z.enum(roles)).min(1)).default([...roles]),
  PARLEY_PASSWORD_MIN_LENGTH: z.coerce.number().int().min(leastPasswordLength).max(64).default(8),
  PARLEY_EMAIL_VERIFICATION: z.enum(['required', 'optional']).default('optional'),
  PARLEY_ADMIN_EMAIL: z.email('must be an e-mail address').optional(),
  PARLEY_ADMIN_PASSWORD: secret,
  PARLEY_ADDRESS_BLOCK_MINUTES: count.max(7 * 24 * 60).default(60),
  PARLEY_BCRYPT_COST: z.coerce.number().int().min(4).max(16).default(12),
  PARLEY_AUTH_TRIES: count.default(10),
  PARLEY_AUTH_WINDOW_MINUTES: count.max(24 * 60).default(15),
  PARLEY_POSTING_PER_MINUTE: count.default(6_000),
  PARLEY_CREATING_PER_MINUTE: count.default(1_200),
  PARLEY_ADMINISTERING_PER_MINUTE: count.default(3_000),
  // Below this, edges would not have told yet of somebody who has just joined.
  PARLEY_ROOM_GRACE_SECONDS: count
    .min(5)
    .max(60 * 60)
    .default(20),
  PARLEY_TLS: z.enum(['off', 'proxy']).default('off'),
  PARLEY_TRUSTED_PROXY_HOPS: z.coerce.number().int().min(0).max(16).default(0),
  PARLEY_COOKIE_SAMESITE: z.enum(['lax', 'strict', 'none']).default('lax'),
  PARLEY_COOKIE_SECURE: flag.optional(),
  PARLEY_LINK_BASE: linkBase.optional(),
  MAIL_SERVER: z.string().min(1).optional(),
  MAIL_PORT: port.default(587),
  MAIL_USE_TLS: flag.default(true),
  MAIL_USERNAME: secret,
  MAIL_PASSWORD: secret,
  MAIL_FROM: mailbox.optional(),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
});

const secondMs = 1_000;
const minuteMs = 60_000;

type Settings = z.infer<typeof settings>;
export type SettingName = keyof Settings;

export interface Config {
  readonly environment: Settings['NODE_ENV'];
  readonly host: string;
  readonly port: number;
  readonly edgePort: number;
  readonly dataDirectory: string;
  /** Web origins that may call the API; in development, those of this machine may as well. */
  readonly origins: readonly string[];
  readonly eventStore: Settings['PARLEY_EVENT_STORE'];
  readonly readStore: Settings['PARLEY_READ_STORE'];
  /** Beside the read store. */
  readonly leases: Settings['PARLEY_READ_STORE'];
  readonly keys: 'sqlite' | MongoLocation;
  readonly broker: Settings['PARLEY_BROKER'];
  readonly roles: ReadonlySet<Role>;
  /** Signs the access tokens; where there is none, keys of the key store do. */
  readonly jwtSecret: string | undefined;
  /** Who issues the access tokens, and for whom: their claims `iss` and `aud`. */
  readonly tokenIssuer: string;
  readonly tokenAudience: string;
  /** The newest one first; undefined outside production means: made at the first start and kept in the data directory. */
  readonly masterKeys: readonly MasterKey[] | undefined;
  readonly passwordMinLength: number;
  readonly bcryptCost: number;
  /** How often something that can be guessed may be tried, by account and by address. */
  readonly attempts: { readonly tries: number; readonly windowMinutes: number };
  readonly commandsPerMinute: CommandsPerMinute;
  /** Whether only those log in whose e-mail address is verified. */
  readonly verifiedEmailOnly: boolean;
  /** Address of who is an admin from the start. */
  readonly adminEmail: string | undefined;
  /** With it, the admin's account is made where there is none. */
  readonly adminPassword: string | undefined;
  /** How long nobody gets in from an address with far too many wrong logins, in ms. */
  readonly addressBlockMs: number;
  /** How long somebody whose connection was lost stays in their rooms, in ms. */
  readonly roomGraceMs: number;
  /** `proxy`: TLS ends before this process, and nothing else is let in. */
  readonly tls: Settings['PARLEY_TLS'];
  /** How many proxies before this process tell truly where a request comes from. */
  readonly trustedProxyHops: number;
  /** How browsers are to send the session's cookie. */
  readonly cookie: { readonly sameSite: Settings['PARLEY_COOKIE_SAMESITE']; readonly secure: boolean };
  readonly mail: MailConfig;
  /** Where the links in mails begin, without a slash at the end; undefined means: at the API's own URL. */
  readonly linkBase: string | undefined;
  readonly logLevel: Settings['LOG_LEVEL'];
}

/** The settings can't be used; one line for each fault. */
export class InvalidConfig extends Error {
  constructor(readonly faults: readonly string[]) {
    super(faults.join('\n'));
  }
}

/** @throws {InvalidConfig} */
export function loadConfig(environment: NodeJS.ProcessEnv = process.env, dotenvFile = '.env'): Config {
  const fromDotenv = readIfThere(dotenvFile);
  const stronger = { ...(fromDotenv && parseDotenv(fromDotenv)), ...withoutEmpty(environment) };
  const configFile = stronger.CONFIG_FILE;
  return parseConfig({ ...(configFile && readConfigFile(configFile)), ...stronger });
}

/**
 * @param values - the settings by name, each as text or as what it means
 * @throws {InvalidConfig}
 */
export function parseConfig(values: Readonly<Record<string, unknown>>): Config {
  const parsed = settings.safeParse(values);
  if (!parsed.success) {
    throw new InvalidConfig(parsed.error.issues.map(({ path, message }) => `${String(path[0])}: ${message}`));
  }
  const finders = [placeFaults, secretFaults, masterKeyFaults, productionFaults, transportFaults, mailFaults];
  const faults = finders.flatMap((find) => find(parsed.data));
  if (faults.length > 0) throw new InvalidConfig(faults);
  return configOf(parsed.data);
}

function configOf(values: Settings): Config {
  return {
    environment: values.NODE_ENV,
    host: values.PARLEY_HOST,
    port: values.PORT,
    edgePort: values.PARLEY_EDGE_PORT,
    dataDirectory: values.PARLEY_DATA_DIR,
    origins: values.FRONTEND_URL,
    eventStore: values.PARLEY_EVENT_STORE,
    readStore: values.PARLEY_READ_STORE,
    leases: leasesBeside(values.PARLEY_READ_STORE),
    keys: values.PARLEY_KEYS ?? keysBeside(values.PARLEY_READ_STORE),
    broker: values.PARLEY_BROKER,
    roles: new Set(values.PARLEY_ROLES),
    jwtSecret: values.JWT_SECRET,
    tokenIssuer: values.PARLEY_ISSUER,
    tokenAudience: values.PARLEY_AUDIENCE,
    masterKeys: values.PARLEY_MASTER_KEY && [values.PARLEY_MASTER_KEY, ...values.PARLEY_PREVIOUS_MASTER_KEYS],
    passwordMinLength: values.PARLEY_PASSWORD_MIN_LENGTH,
    bcryptCost: values.PARLEY_BCRYPT_COST,
    attempts: { tries: values.PARLEY_AUTH_TRIES, windowMinutes: values.PARLEY_AUTH_WINDOW_MINUTES },
    commandsPerMinute: {
      posting: values.PARLEY_POSTING_PER_MINUTE,
      creating: values.PARLEY_CREATING_PER_MINUTE,
      administering: values.PARLEY_ADMINISTERING_PER_MINUTE,
    },
    verifiedEmailOnly: values.PARLEY_EMAIL_VERIFICATION === 'required',
    adminEmail: values.PARLEY_ADMIN_EMAIL,
    adminPassword: values.PARLEY_ADMIN_PASSWORD,
    addressBlockMs: values.PARLEY_ADDRESS_BLOCK_MINUTES * minuteMs,
    roomGraceMs: values.PARLEY_ROOM_GRACE_SECONDS * secondMs,
    tls: values.PARLEY_TLS,
    trustedProxyHops: values.PARLEY_TRUSTED_PROXY_HOPS,
    cookie: { sameSite: values.PARLEY_COOKIE_SAMESITE, secure: isCookieSecure(values) },
    mail: mailConfigOf(values),
    linkBase: values.PARLEY_LINK_BASE ?? values.FRONTEND_URL[0],
    logLevel: values.LOG_LEVEL,
  };
}

/** As many processes share the keys as share the read models: they are on the same server, in a database of their own. */
function keysBeside(readStore: Settings['PARLEY_READ_STORE']): Config['keys'] {
  return readStore === 'sqlite' ? 'sqlite' : besides(readStore, 'keys');
}

function leasesBeside(readStore: Settings['PARLEY_READ_STORE']): Config['leases'] {
  return readStore === 'sqlite' ? 'sqlite' : besides(readStore, 'leases');
}

function placeFaults({ PARLEY_READ_STORE: readStore, PARLEY_KEYS: keys }: Settings): string[] {
  if (readStore === 'sqlite' || keys === undefined || keys === 'sqlite') return [];
  if (readStore.database !== keys.database) return [];
  return ['PARLEY_KEYS: must name another database than PARLEY_READ_STORE, which may be dropped at any time'];
}

const minSecretLength = 32;
const minProductionCost = 10;
/** Secrets seen in examples, each of which would open the house to anyone who has read them. */
const knownSecrets = /change.?me|secret|password|example|default|your.?key|0123456789/i;

function secretFaults({ JWT_SECRET, NODE_ENV }: Settings): string[] {
  if (JWT_SECRET === undefined) return [];
  if (JWT_SECRET.length < minSecretLength) return [`JWT_SECRET: must be at least ${minSecretLength} characters`];
  return NODE_ENV === 'production' && isGuessable(JWT_SECRET) ? ['JWT_SECRET: must not be a default one'] : [];
}

function masterKeyFaults({ PARLEY_MASTER_KEY: newest, PARLEY_PREVIOUS_MASTER_KEYS: previous }: Settings): string[] {
  if (previous.length === 0) return [];
  if (!newest) return ['PARLEY_PREVIOUS_MASTER_KEYS: must not be set without PARLEY_MASTER_KEY'];
  const faults: string[] = [];
  const versions = [newest, ...previous].map(({ version }) => version);
  if (new Set(versions).size < versions.length) {
    faults.push('PARLEY_PREVIOUS_MASTER_KEYS: must each have a version of its own');
  } else if (newest.version < Math.max(...versions)) {
    faults.push('PARLEY_MASTER_KEY: must have a higher version than those of PARLEY_PREVIOUS_MASTER_KEYS');
  }
  if (new Set([newest, ...previous].map(({ key }) => key.toString('hex'))).size < versions.length) {
    faults.push('PARLEY_PREVIOUS_MASTER_KEYS: must not be the same key under several versions');
  }
  return faults;
}

function isGuessable(text: string): boolean {
  return knownSecrets.test(text) || new Set(text).size < 6;
}

function productionFaults(values: Settings): string[] {
  if (values.NODE_ENV !== 'production') return [];
  const faults: string[] = [];
  if (values.PARLEY_MASTER_KEY === undefined) faults.push('PARLEY_MASTER_KEY: must be set in production');
  if (values.PARLEY_BCRYPT_COST < minProductionCost) {
    faults.push(`PARLEY_BCRYPT_COST: must be at least ${minProductionCost} in production`);
  }
  return faults;
}

function isCookieSecure({ PARLEY_COOKIE_SECURE, PARLEY_TLS }: Settings): boolean {
  return PARLEY_COOKIE_SECURE ?? PARLEY_TLS === 'proxy';
}

function transportFaults(values: Settings): string[] {
  const faults: string[] = [];
  if (values.PARLEY_TLS === 'proxy' && values.PARLEY_TRUSTED_PROXY_HOPS === 0) {
    faults.push('PARLEY_TRUSTED_PROXY_HOPS: must be at least 1 where PARLEY_TLS is proxy');
  }
  if (values.PARLEY_COOKIE_SAMESITE === 'none' && !isCookieSecure(values)) {
    faults.push('PARLEY_COOKIE_SAMESITE: none needs PARLEY_COOKIE_SECURE, or PARLEY_TLS=proxy');
  }
  return faults;
}

function readConfigFile(path: string): Record<string, unknown> {
  const text = readIfThere(path);
  if (text === undefined) throw new InvalidConfig([`CONFIG_FILE: ${path} can't be read`]);
  try {
    const values = z.record(z.string(), z.unknown()).parse(JSON.parse(text));
    const unknown = Object.keys(values).filter((name) => !(name in settings.shape));
    if (unknown.length === 0) return values;
    throw new InvalidConfig(unknown.map((name) => `CONFIG_FILE: ${name} is not a setting`));
  } catch (error) {
    if (error instanceof InvalidConfig) throw error;
    throw new InvalidConfig([`CONFIG_FILE: ${path} must hold a JSON object`]);
  }
}

function readIfThere(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** A variable set to nothing is as good as not set. */
function withoutEmpty(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ''));
}
