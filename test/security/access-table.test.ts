import { RequestMethod } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants.js';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { controllers } from '../../src/api/api.module.js';
import { declaredRoutes } from '../../src/api/route.js';
import { type Answer, call } from '../fixtures/api-client.js';
import { AccessObjects, everyRelation, type Outcast, outcasts, type Person, type Relation } from './access-objects.js';
import { type Asked, type Row, type Try, table } from './access-table.js';

/** Every route × everybody who may call it: what each is answered is said in `access-table.ts`. */

interface ServedRoute {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly asksForCredentials: boolean;
}

/** All that Nest serves, whether it is declared by `@Route` or not. */
function servedRoutes(): ServedRoute[] {
  return controllers.flatMap((controller) =>
    Object.getOwnPropertyNames(controller.prototype).flatMap((property) => {
      const handler = Object.getOwnPropertyDescriptor(controller.prototype, property)?.value;
      const served = typeof handler === 'function' ? Reflect.getMetadata(METHOD_METADATA, handler) : undefined;
      if (served === undefined) return [];
      const parts = [Reflect.getMetadata(PATH_METADATA, controller), Reflect.getMetadata(PATH_METADATA, handler)];
      const path = `/${parts.filter((part) => part !== '' && part !== '/').join('/')}`;
      const method = RequestMethod[served as number] as string;
      const declared = declaredRoutes.find((route) => route.controller === controller && route.name === property);
      return [{ name: `${method} ${path}`, method, path, asksForCredentials: declared?.options.auth === 'person' }];
    }),
  );
}

const routes = servedRoutes();

let objects: AccessObjects;
let banished: Readonly<Record<Outcast, Pick<Person, 'token'> | undefined>>;
let outOfSession: Person;
beforeAll(async () => {
  objects = await AccessObjects.make();
  const { member } = objects.people;
  outOfSession = await objects.revoked(member);
  banished = { anonymous: undefined, expired: { token: await objects.expired(member) }, revoked: outOfSession };
});
afterAll(() => objects?.close());

const rowsOf = (name: string): readonly Row[] => [table[name] ?? []].flat();

/** How the caller says who they are. */
type Way = 'bearer' | 'cookie';

function send({ method, path }: ServedRoute, { params = {}, body }: Asked, caller?: Partial<Person>, way?: Way) {
  const filled = path.replace(/:(\w+)/g, (_, name: string) => encodeURIComponent(String(params[name] ?? 'unknown')));
  const headers = { ...objects.upToDate, ...(way === 'cookie' && { cookie: caller?.cookie as string }) };
  const token = way === 'cookie' ? undefined : caller?.token;
  return call(objects.parley.url, method, filled, { token, body, headers });
}

async function attempt(route: ServedRoute, row: Row, relation: Relation, way: Way): Promise<Answer> {
  const prepared = await prepare(row, relation);
  const asked = (await row.ask?.(prepared)) ?? {};
  return objects.note(await send(route, asked, prepared.caller, way));
}

async function prepare({ fresh }: Row, relation: Relation): Promise<Try> {
  const { people } = objects;
  if (!fresh) return { objects, caller: people[relation], member: people.member };
  const caller = await objects.person(relation);
  return { objects, caller, member: relation === 'member' ? caller : await objects.person('member') };
}

describe('the access table', () => {
  it('has a row for each route, and no other', () => {
    expect(Object.keys(table).sort()).toEqual(routes.map(({ name }) => name).sort());
  });

  it('knows of each route whether it asks for credentials', () => {
    for (const { name, asksForCredentials } of routes) {
      for (const { answers } of rowsOf(name)) {
        expect({ name, asksForCredentials }).toEqual({ name, asksForCredentials: typeof answers === 'object' });
      }
    }
  });

  it('knows tokens that are refused for nothing but their time', async () => {
    const { member } = objects.people;
    expect(await objects.ask({ token: await objects.madeAgain(member) }, 'GET', 'auth/me')).toMatchObject({
      status: 200,
    });
  });
});

const ofMembers = routes.filter(({ asksForCredentials }) => asksForCredentials);
const ofEverybody = routes.filter(({ asksForCredentials }) => !asksForCredentials);
const rowsOfAll = (some: readonly ServedRoute[]) =>
  some.flatMap((route) =>
    rowsOf(route.name).map((row) => ({ route, row, title: route.name + (row.on ? ` of ${row.on}` : '') })),
  );

describe.each<Way>(['bearer', 'cookie'])('by %s,', (way) => {
  it.each(rowsOfAll(ofMembers))('$title answers each as it should', async ({ route, row }) => {
    const answers = await everyRelation(async (relation) => attempt(route, row, relation, way));
    const statuses = Object.fromEntries(Object.entries(answers).map(([relation, { status }]) => [relation, status]));
    expect(statuses).toEqual(row.answers);
  });
});

describe('without a session,', () => {
  const unauthenticated = { status: 401, body: { code: 'unauthenticated' } };

  it.each(ofMembers)('$name answers nobody, whatever they send', async (route) => {
    const unknown = { params: {}, body: { $ne: null, unknown: true } };
    const sensible = { params: { personId: objects.people.member.id, channelId: objects.publicChannel.id } };
    for (const outcast of outcasts) {
      for (const asked of route.method === 'GET' ? [sensible] : [sensible, unknown]) {
        expect(await send(route, asked, banished[outcast])).toMatchObject(unauthenticated);
      }
    }
    expect(await send(route, sensible, outOfSession, 'cookie')).toMatchObject(unauthenticated);
  });

  it.each(rowsOfAll(ofEverybody))('$title answers everybody alike', async ({ route, row }) => {
    const { member, admin } = objects.people;
    for (const caller of [...Object.values(banished), member, admin]) {
      const asked = (await row.ask?.({ objects, caller: member, member })) ?? {};
      expect((await send(route, asked, caller)).status).toBe(row.answers);
    }
  });
});
