import { createSecretKey, randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { SignJWT } from 'jose';
import { freePort } from './free-port.js';
import { type ServerOptions, ServerProcess } from './server-process.js';

export const parleyProgram = fileURLToPath(new URL('../../src/cli/parley.js', import.meta.url));

/** Signs the access tokens of all servers that this process starts. */
const jwtSecret = randomBytes(48).toString('base64');
const key = createSecretKey(jwtSecret, 'utf8');

/** A process of Parley. */
export interface ParleyServer {
  readonly process: ServerProcess;
  readonly port: number;
  readonly edgePort: number;
}

/** As `npm start` runs it, all roles in one process, unless the settings say otherwise. */
export async function startParley(
  dataDirectory: string,
  settings: Readonly<Record<string, string>> = {},
  options: Pick<ServerOptions, 'unpinned'> = {},
): Promise<ParleyServer> {
  const [port, edgePort] = [await freePort(), await freePort()];
  const server = await ServerProcess.start({
    program: parleyProgram,
    arguments: ['serve'],
    environment: {
      PORT: String(port),
      PARLEY_EDGE_PORT: String(edgePort),
      PARLEY_HOST: '127.0.0.1',
      PARLEY_DATA_DIR: dataDirectory,
      JWT_SECRET: jwtSecret,
      // What is measured is how much can be done, not how much one may do.
      PARLEY_POSTING_PER_MINUTE: '1000000000',
      PARLEY_AUTH_TRIES: '1000000',
      LOG_LEVEL: 'warn',
      ...settings,
    },
    directory: tmpdir(),
    ready: 'Parley is ready',
    ...options,
  });
  return { process: server, port, edgePort };
}

/** What authorizes someone who is enrolled (`logs/people.ts`), in a header. */
export async function authorizationOf(personId: string): Promise<string> {
  return `Bearer ${await accessTokenOf(personId)}`;
}

/** An access token of someone who is enrolled, as a login would answer it. */
export function accessTokenOf(personId: string): Promise<string> {
  return new SignJWT({ sid: personId, name: 'Somebody', role: 'member' })
    .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt' })
    .setSubject(personId)
    .setIssuer('parley')
    .setAudience('parley')
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(key);
}
