import { decodeJwt, SignJWT } from 'jose';
import { totpCode } from '../../src/auth/totp.js';
import { type Answer, call } from '../fixtures/api-client.js';
import { startTestParley, type TestParley } from '../fixtures/parley.js';

/** What the access table is tried on: people in every relation to what there is to reach, and each thing once. */

/** What someone is to the thing that a route is about. */
export const relations = ['stranger', 'member', 'exMember', 'admin'] as const;
export type Relation = (typeof relations)[number];

/** Those who are nobody to any route. */
export const outcasts = ['anonymous', 'expired', 'revoked'] as const;
export type Outcast = (typeof outcasts)[number];

export interface Person {
  readonly id: string;
  readonly email: string;
  readonly password: string;
  readonly token: string;
  readonly refreshToken: string;
  /** As a browser sends it. */
  readonly cookie: string;
}

export interface Channel {
  readonly id: string;
  /** Of a message by its owner. */
  readonly messageRevision: number;
}

/** Signs the access tokens, so that a test can make one that has expired. */
const jwtSecret = 'Wm9e0PyPmQ2vX8sKj1dLq7RtZ5bN3cHf';
const password = 'correct horse';
const rootEmail = 'root@example.org';

export class AccessObjects {
  /** How far the log has come by what was done here. */
  #position = '0';

  private constructor(
    readonly parley: TestParley,
    private readonly root: Person,
  ) {}

  people!: Readonly<Record<Relation, Person>>;
  owner!: Person;
  privateChannel!: Channel;
  publicChannel!: Channel;
  roomId!: string;
  meetingId!: string;

  static async make(): Promise<AccessObjects> {
    const parley = await startTestParley({
      JWT_SECRET: jwtSecret,
      PARLEY_ADMIN_EMAIL: rootEmail,
      PARLEY_ADMIN_PASSWORD: password,
    });
    const login = await call(parley.url, 'POST', 'auth/login', { body: { email: rootEmail, password } });
    const objects = new AccessObjects(parley, personOf(login, rootEmail));
    await objects.#fill();
    return objects;
  }

  close(): Promise<void> {
    return this.parley.close();
  }

  async #fill(): Promise<void> {
    this.owner = await this.register();
    this.people = await everyRelation((relation) => this.person(relation));
    this.privateChannel = await this.channel('private');
    this.publicChannel = await this.channel('public');
    this.roomId = (await this.do(this.owner, 'POST', 'rooms', {})).id;
    await this.do(this.people.member, 'POST', `rooms/${this.roomId}/join`);
    this.meetingId = (await this.do(this.people.member, 'POST', 'meetings', meeting())).id;
  }

  /** Asks for something, over HTTP; reads what was written before. */
  async ask(person: Pick<Person, 'token'>, method: string, path: string, body?: unknown): Promise<Answer> {
    return this.note(await call(this.parley.url, method, path, { token: person.token, body, headers: this.upToDate }));
  }

  /** What has a query wait for all that was done here. */
  get upToDate(): Readonly<Record<string, string>> {
    return { 'parley-position': this.#position };
  }

  note(answer: Answer): Answer {
    const position = answer.headers.get('parley-position');
    if (position && BigInt(position) > BigInt(this.#position)) this.#position = position;
    return answer;
  }

  /** As `ask`, of what must succeed. */
  // biome-ignore lint/suspicious/noExplicitAny: what a test asks of a body, it looks at
  async do(person: Pick<Person, 'token'>, method: string, path: string, body?: unknown): Promise<any> {
    const answer = await this.ask(person, method, path, body);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  async register(): Promise<Person> {
    const email = `${crypto.randomUUID()}@example.org`;
    const answer = await call(this.parley.url, 'POST', 'auth/register', { body: { email, name: 'Someone', password } });
    return personOf(this.note(answer), email);
  }

  async logIn({ email }: Pick<Person, 'email'>): Promise<Person> {
    return personOf(await call(this.parley.url, 'POST', 'auth/login', { body: { email, password } }), email);
  }

  /** Someone new in this relation, so far to nothing in particular. */
  async person(relation: Relation): Promise<Person> {
    const person = await this.register();
    if (relation === 'admin') await this.do(this.root, 'PUT', `users/${person.id}/role`, { role: 'admin' });
    return person;
  }

  /** A channel to which everyone stands in their relation, with a message of its owner. */
  async channel(kind: 'private' | 'public', people = this.people): Promise<Channel> {
    const { id } = await this.do(this.owner, 'POST', 'channels', { name: kind, kind });
    await this.addTo(id, people.member.id);
    await this.addTo(id, people.exMember.id);
    await this.do(this.owner, 'DELETE', `channels/${id}/members/${people.exMember.id}`);
    const { revision } = await this.do(this.owner, 'POST', `channels/${id}/messages`, { text: 'Hello' });
    return { id, messageRevision: revision };
  }

  async addTo(channelId: string, personId: string): Promise<void> {
    await this.do(this.owner, 'POST', `channels/${channelId}/members`, { personId });
  }

  /** Another message of the owner. @returns its revision */
  async message({ id }: Channel): Promise<number> {
    return (await this.do(this.owner, 'POST', `channels/${id}/messages`, { text: 'Hello' })).revision;
  }

  /** Begins a second factor, and perhaps confirms it. @returns a code of it that is good now */
  async enrol(person: Person, confirmed: boolean): Promise<string> {
    const { secret } = await this.do(person, 'POST', 'auth/mfa/totp', { password: person.password });
    const code = totpCode(secret, Date.now());
    if (confirmed) await this.do(person, 'POST', 'auth/mfa/totp/confirm', { code });
    return code;
  }

  /** A token of this person's session that was good until an hour ago. */
  async expired({ token }: Person): Promise<string> {
    const now = Math.floor(Date.now() / 1_000);
    return sign({ ...decodeJwt(token), iat: now - 7_200, exp: now - 3_600 });
  }

  /** The same token as the server has made, made again: so that one that has expired is refused for that alone. */
  async madeAgain({ token }: Person): Promise<string> {
    return sign({ ...decodeJwt(token) });
  }

  /** A session of this person that has ended: their tokens have not expired. */
  async revoked(person: Person): Promise<Person> {
    const session = await this.logIn(person);
    await this.do(session, 'POST', 'auth/logout');
    return session;
  }
}

export async function everyRelation<Made>(make: (relation: Relation) => Promise<Made>) {
  const made = await Promise.all(relations.map(async (relation) => [relation, await make(relation)] as const));
  return Object.fromEntries(made) as Record<Relation, Made>;
}

export function meeting() {
  const at = (hours: number) => new Date(Date.now() + hours * 3_600_000).toISOString();
  return { title: 'Planning', startTime: at(1), endTime: at(2) };
}

function personOf({ status, headers, body }: Answer, email: string): Person {
  if (status >= 300) throw new Error(`${email} is not let in: ${JSON.stringify(body)}`);
  const cookie = String(headers.getSetCookie()[0]).split(';')[0] as string;
  return { id: body.user.id, email, password, token: body.accessToken, refreshToken: body.refreshToken, cookie };
}

function sign(claims: Record<string, unknown>): Promise<string> {
  const key = new TextEncoder().encode(jwtSecret);
  return new SignJWT(claims).setProtectedHeader({ alg: 'HS256', typ: 'at+jwt' }).sign(key);
}
