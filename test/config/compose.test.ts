import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type Config, loadConfig, roles } from '../../src/config.js';

/** `docker compose up` is all that starts an installation; where there is no Docker, what can be read of it is looked at. */

interface Service {
  readonly image: string;
  readonly build?: string;
  readonly pull_policy?: string;
  readonly command?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly healthcheck?: { readonly test?: readonly string[]; readonly disable?: boolean };
  readonly volumes?: readonly string[];
  readonly networks?: readonly string[];
  readonly ports?: readonly string[];
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
}

interface Composition {
  readonly services: Readonly<Record<string, Service>>;
  readonly networks: Readonly<Record<string, { readonly internal?: boolean } | null>>;
  readonly volumes: Readonly<Record<string, null>>;
}

const root = fileURLToPath(new URL('../..', import.meta.url));
const textOf = (path: string) => readFile(join(root, path), 'utf8');

const { services, networks, volumes } = parse(await textOf('docker-compose.yml'), { merge: true }) as Composition;
const dockerfile = await textOf('Dockerfile');
const named = Object.entries(services);
const processes = named.filter(([, { command }]) => command?.[0] === 'serve');

/** As Compose does where nothing is set: `${NAME:-default}` is the default, which may hold another. */
function withDefaults(text: string): string {
  const inner = text.replaceAll(/\$\{\w+:-(?<fallback>[^${}]*)\}/g, '$<fallback>');
  return inner === text ? text : withDefaults(inner);
}

describe('docker-compose.yml', () => {
  let directory: string;
  /** What the first start makes, by the program that makes it. */
  let secrets: object;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'parley-test-'));
    const file = join(directory, 'parley.json');
    const [program, script] = services.secrets?.entrypoint ?? [];
    expect(program).toBe('node');
    await promisify(execFile)(process.execPath, [join(root, script as string), file]);
    secrets = JSON.parse(await readFile(file, 'utf8'));
  });
  afterAll(() => rm(directory, { recursive: true }));

  /** Read as a file of settings, in which a name that is none is refused. */
  async function configOf({ environment = {}, command = [] }: Service): Promise<Config> {
    const { CONFIG_FILE, ...others } = environment;
    expect(CONFIG_FILE).toBe(services.secrets?.entrypoint?.at(-1));
    const values = Object.entries(others).map(([name, value]) => [name, withDefaults(value)]);
    const file = join(directory, 'settings.json');
    await writeFile(file, JSON.stringify({ ...Object.fromEntries(values), ...secrets }));
    return loadConfig({ CONFIG_FILE: file, PARLEY_ROLES: command[2] }, '/nowhere');
  }

  it('starts every role, with settings that there are', async () => {
    const played = new Set<string>();
    for (const [, service] of processes) {
      expect(service.command?.[1]).toBe('--roles');
      const config = await configOf(service);
      expect(config).toMatchObject({ environment: 'production', tls: 'proxy', origins: ['https://localhost'] });
      for (const role of config.roles) played.add(role);
    }
    expect(played).toEqual(new Set(roles));
  });

  it('has every process meet at servers that it starts, and waits for', async () => {
    const [, service] = processes[0] as [string, Service];
    const { eventStore, readStore, leases, keys, broker } = await configOf(service);
    expect([eventStore, readStore, leases, keys, broker]).toMatchObject([
      { node: { host: 'kurrentdb' } },
      { url: expect.stringContaining('//mongodb:') },
      { url: expect.stringContaining('//mongodb:') },
      { url: expect.stringContaining('//mongodb:') },
      { servers: [expect.stringMatching(/^nats:/)] },
    ]);
    for (const server of ['kurrentdb', 'mongodb', 'nats']) {
      expect(services).toHaveProperty(server);
      for (const [, { depends_on }] of processes) {
        expect(depends_on).toHaveProperty(server, { condition: 'service_healthy' });
      }
    }
  });

  it('has the proxy forward to every api and every edge', async () => {
    const caddyfile = await textOf('deploy/Caddyfile');
    for (const [name, service] of processes) {
      const { roles: played, port, edgePort } = await configOf(service);
      if (played.has('api')) expect(caddyfile).toContain(` ${name}:${port}`.trimStart());
      if (played.has('edge')) expect(caddyfile).toContain(`${name}:${edgePort}`);
      if (played.has('api') || played.has('edge')) expect(services.proxy?.depends_on).toHaveProperty(name);
    }
  });

  it('builds its own image once, before anything needs it, and asks no registry for it', () => {
    const ours = named.filter(([, { image }]) => image === 'parley');
    expect(ours.filter(([, { build }]) => build !== undefined).map(([name]) => name)).toEqual(['secrets']);
    for (const [, { pull_policy }] of ours) expect(pull_policy).toBe('never');
    for (const [, { depends_on }] of processes) {
      expect(depends_on).toHaveProperty('secrets', { condition: 'service_completed_successfully' });
    }
  });

  it.each(named)('pins the image of %s, and knows whether it is healthy', (_name, { image, healthcheck }) => {
    if (image === 'parley') {
      expect(dockerfile).toMatch(/^HEALTHCHECK /m);
    } else {
      expect(image).toMatch(/:\d+\.\d+\.\d+(-\w+)?$/);
      expect(healthcheck?.test?.[0]).toBe('CMD');
    }
  });

  it.each(named)('lets nobody from outside at %s but through the proxy', (name, service) => {
    expect(service.ports !== undefined).toBe(name === 'proxy');
    expect(networks.inside?.internal).toBe(true);
    for (const network of service.networks ?? []) expect(networks).toHaveProperty(network);
  });

  it.each(named.filter(([, { image }]) => image === 'parley'))(
    'gives %s no rights and no place to write to',
    (_name, service) => {
      expect(dockerfile).toMatch(/^USER node$/m);
      expect(service).toMatchObject({ read_only: true, cap_drop: ['ALL'] });
    },
  );

  it('keeps what is to be kept in volumes', () => {
    const used = named
      .flatMap(([, service]) => service.volumes ?? [])
      .map((volume) => volume.split(':')[0] as string)
      .filter((volume) => !volume.startsWith('.'));
    expect(new Set(used)).toEqual(new Set(Object.keys(volumes)));
  });
});
