import type { AccessObjects, Person, Relation } from './access-objects.js';
import { meeting } from './access-objects.js';

/** Who may do what over HTTP: a row for each route. */

/** One try of a route, by someone. */
export interface Try {
  readonly objects: AccessObjects;
  /** Who tries. Where the row is `fresh`, someone new. */
  readonly caller: Person;
  /** Whose thing it is: the caller, where they are tried as `member`. Where the row is `fresh`, someone new. */
  readonly member: Person;
}

export interface Asked {
  /** What the path's parameters are. */
  readonly params?: Readonly<Record<string, string | number>>;
  readonly body?: unknown;
}

export interface Row {
  /** What the route is tried on, where it has several rows. */
  readonly on?: string;
  /** The status that each is answered with; of a route that asks for no credentials, one for everybody. */
  readonly answers: Readonly<Record<Relation, number>> | number;
  /** The try changes its caller or the member for good: each is made anew. */
  readonly fresh?: boolean;
  ask?(attempt: Try): Asked | Promise<Asked>;
}

const everyone = (status: number) => ({ stranger: status, member: status, exMember: status, admin: status });
/** Of a private thing, others learn nothing. */
const onlyMember = (status: number) => ({ ...everyone(404), member: status });
const onlyAdmin = (status: number) => ({ ...everyone(403), admin: status });
/** The owner of an account, and who may change those of others. */
const ownerAndAdmin = (status: number) => ({ ...onlyAdmin(status), member: status });

const nonsense = { token: 'nonsense' };
const stranger = () => `${crypto.randomUUID()}@example.org`;

const ofMember = ({ member }: Try) => ({ params: { personId: member.id } });
const ofPrivate = ({ objects }: Try) => ({ params: { channelId: objects.privateChannel.id } });
const ofPublic = ({ objects }: Try) => ({ params: { channelId: objects.publicChannel.id } });
const ofRoom = ({ objects }: Try) => ({ params: { roomId: objects.roomId } });
const withPassword = ({ caller }: Try) => ({ body: { password: caller.password } });

/** A channel of its own, to which the member of this try belongs. */
const freshChannel =
  (kind: 'private' | 'public') =>
  async ({ objects, member }: Try) => ({
    params: { channelId: (await objects.channel(kind, { ...objects.people, member })).id },
  });

/** The owner's message, made for this try. */
const message =
  (channel: 'privateChannel' | 'publicChannel') =>
  async ({ objects }: Try) => ({
    params: { channelId: objects[channel].id, messageRevision: await objects.message(objects[channel]) },
  });

/** Someone who is in the channel until this try. */
const otherMember =
  (channel: 'privateChannel' | 'publicChannel') =>
  async ({ objects }: Try) => {
    const { id: personId } = await objects.register();
    await objects.addTo(objects[channel].id, personId);
    return { params: { channelId: objects[channel].id, personId } };
  };

/** A range for documentation (RFC 3849), from which nobody calls; another one each time. */
const deniedRange = () => {
  const [, second, third] = crypto.randomUUID().split('-');
  return { cidr: `2001:db8:${second}:${third}::/64`, action: 'deny' };
};

const newMember = async ({ objects }: Try) => ({ body: { personId: (await objects.register()).id } });
const onPrivate = 'a private channel';
const onPublic = 'a public channel';

export const table: Readonly<Record<string, Row | readonly Row[]>> = {
  // For everybody

  'GET /health': { answers: 200 },
  'GET /health/live': { answers: 200 },
  'GET /health/ready': { answers: 200 },
  'GET /metrics': { answers: 200 },
  'GET /.well-known/jwks.json': { answers: 200 },
  'GET /api/v1/openapi.json': { answers: 200 },
  'GET /api/v1/problems': { answers: 200 },
  'GET /api/v1/docs': { answers: 200 },
  'GET /api/v1/docs/start.js': { answers: 200 },
  'GET /api/v1/docs/:file': { answers: 200, ask: () => ({ params: { file: 'swagger-ui.css' } }) },

  // Getting in

  'POST /api/v1/auth/register': {
    answers: 201,
    ask: () => ({ body: { email: stranger(), name: 'Ann', password: 'correct horse' } }),
  },
  'POST /api/v1/auth/login': {
    answers: 200,
    ask: ({ member: { email, password } }) => ({ body: { email, password } }),
  },
  'POST /api/v1/auth/refresh': {
    answers: 200,
    ask: async ({ objects, member }) => ({ body: { refreshToken: (await objects.logIn(member)).refreshToken } }),
  },
  'POST /api/v1/auth/mfa/login': { answers: 401, ask: () => ({ body: { challenge: 'nonsense', code: '123456' } }) },
  'POST /api/v1/auth/verify-email': { answers: 400, ask: () => ({ body: nonsense }) },
  'POST /api/v1/auth/verify-email/resend': { answers: 202, ask: () => ({ body: { email: stranger() } }) },
  'POST /api/v1/auth/forgot-password': { answers: 202, ask: () => ({ body: { email: stranger() } }) },
  'POST /api/v1/auth/reset-password': {
    answers: 400,
    ask: () => ({ body: { ...nonsense, password: 'another good one' } }),
  },

  // One's own account

  'GET /api/v1/auth/me': { answers: everyone(200) },
  'POST /api/v1/auth/logout': { answers: everyone(204), fresh: true },
  'POST /api/v1/auth/logout-all': { answers: everyone(204), fresh: true },
  'POST /api/v1/auth/ws-ticket': { answers: everyone(200) },
  'GET /api/v1/auth/sessions': { answers: everyone(200) },
  'DELETE /api/v1/auth/sessions/:sessionId': {
    answers: onlyMember(204),
    ask: async ({ objects, member }) => {
      await objects.logIn(member);
      const { items } = await objects.do(member, 'GET', 'auth/sessions');
      return { params: { sessionId: items.find(({ current }: { current: boolean }) => !current).id } };
    },
  },
  'POST /api/v1/auth/change-password': {
    answers: everyone(204),
    fresh: true,
    ask: ({ caller }) => ({ body: { currentPassword: caller.password, newPassword: 'another good one' } }),
  },
  'POST /api/v1/auth/change-email': {
    answers: everyone(200),
    fresh: true,
    ask: ({ caller }) => ({ body: { email: stranger(), password: caller.password } }),
  },
  'GET /api/v1/auth/mfa': { answers: everyone(200) },
  'POST /api/v1/auth/mfa/totp': { answers: everyone(201), ask: withPassword },
  'POST /api/v1/auth/mfa/totp/confirm': {
    answers: everyone(200),
    fresh: true,
    ask: async ({ objects, caller }) => ({ body: { code: await objects.enrol(caller, false) } }),
  },
  'DELETE /api/v1/auth/mfa/totp': { answers: everyone(204), ask: withPassword },
  'POST /api/v1/auth/mfa/recovery-codes': {
    answers: everyone(200),
    fresh: true,
    ask: async (attempt) => {
      await attempt.objects.enrol(attempt.caller, true);
      return withPassword(attempt);
    },
  },
  'GET /api/v1/users/me': { answers: everyone(200) },
  'PATCH /api/v1/users/me': { answers: everyone(200), ask: () => ({ body: { locale: 'de' } }) },
  'GET /api/v1/users/me/settings': { answers: everyone(200) },
  'PUT /api/v1/users/me/settings': { answers: everyone(200), ask: () => ({ body: { theme: 'dark' } }) },
  'GET /api/v1/users/me/sessions': { answers: everyone(200) },
  'POST /api/v1/users/me/forget': { answers: everyone(200), fresh: true, ask: withPassword },

  // The accounts of others: that of the member

  'GET /api/v1/users': { answers: onlyAdmin(200) },
  'POST /api/v1/users': { answers: onlyAdmin(201), ask: () => ({ body: { name: 'Somebody' } }) },
  'GET /api/v1/users/:personId': { answers: everyone(200), ask: ofMember },
  'PATCH /api/v1/users/:personId': [
    {
      on: 'the profile',
      answers: ownerAndAdmin(200),
      ask: (attempt) => ({ ...ofMember(attempt), body: { locale: 'de' } }),
    },
    {
      on: 'the address',
      answers: onlyAdmin(200),
      fresh: true,
      ask: (attempt) => ({ ...ofMember(attempt), body: { email: stranger() } }),
    },
    {
      on: 'the password',
      answers: onlyAdmin(200),
      fresh: true,
      ask: (attempt) => ({ ...ofMember(attempt), body: { password: 'another good one' } }),
    },
  ],
  'PUT /api/v1/users/:personId/role': {
    answers: onlyAdmin(200),
    ask: (attempt) => ({ ...ofMember(attempt), body: { role: 'member' } }),
  },
  'POST /api/v1/users/:personId/deactivate': { answers: ownerAndAdmin(200), fresh: true, ask: ofMember },
  'POST /api/v1/users/:personId/reactivate': { answers: onlyAdmin(200), ask: ofMember },
  'POST /api/v1/users/:personId/forget': { answers: onlyAdmin(200), fresh: true, ask: ofMember },
  'GET /api/v1/users/:personId/sessions': { answers: ownerAndAdmin(200), ask: ofMember },
  'DELETE /api/v1/users/:personId/sessions': { answers: ownerAndAdmin(204), fresh: true, ask: ofMember },

  // The platform

  'GET /api/v1/audit': { answers: onlyAdmin(200) },
  'GET /api/v1/address-rules': { answers: onlyAdmin(200) },
  'POST /api/v1/address-rules': { answers: onlyAdmin(201), ask: () => ({ body: deniedRange() }) },
  'DELETE /api/v1/address-rules/:ruleId': {
    answers: onlyAdmin(200),
    ask: async ({ objects }) => {
      const { id } = await objects.do(objects.people.admin, 'POST', 'address-rules', deniedRange());
      return { params: { ruleId: id } };
    },
  },

  // Meetings and rooms: whoever knows the id is invited

  'POST /api/v1/meetings': { answers: everyone(201), ask: () => ({ body: meeting() }) },
  'GET /api/v1/meetings': { answers: everyone(200) },
  'GET /api/v1/meetings/:meetingId': {
    answers: everyone(200),
    ask: ({ objects }) => ({ params: { meetingId: objects.meetingId } }),
  },
  'POST /api/v1/rooms': { answers: everyone(201), ask: () => ({ body: {} }) },
  'GET /api/v1/rooms/:roomId': { answers: everyone(200), ask: ofRoom },
  'POST /api/v1/rooms/:roomId/join': { answers: everyone(200), ask: ofRoom },
  'POST /api/v1/rooms/:roomId/leave': { answers: everyone(200), ask: ofRoom },

  // Channels

  'POST /api/v1/channels': { answers: everyone(201), ask: () => ({ body: { name: 'Another' } }) },
  'GET /api/v1/channels': { answers: everyone(200) },
  'GET /api/v1/channels/:channelId': [
    { on: onPrivate, answers: onlyMember(200), ask: ofPrivate },
    { on: onPublic, answers: everyone(200), ask: ofPublic },
  ],
  'POST /api/v1/channels/:channelId/join': [
    { on: onPrivate, answers: onlyMember(200), ask: ofPrivate },
    { on: onPublic, answers: everyone(200), ask: freshChannel('public') },
  ],
  'POST /api/v1/channels/:channelId/leave': [
    { on: onPrivate, answers: onlyMember(200), ask: freshChannel('private') },
    { on: onPublic, answers: everyone(200), ask: freshChannel('public') },
  ],
  'GET /api/v1/channels/:channelId/members': [
    { on: onPrivate, answers: onlyMember(200), ask: ofPrivate },
    { on: onPublic, answers: { ...everyone(403), member: 200 }, ask: ofPublic },
  ],
  'POST /api/v1/channels/:channelId/members': [
    {
      on: onPrivate,
      answers: onlyMember(403),
      ask: async (attempt) => ({ ...ofPrivate(attempt), ...(await newMember(attempt)) }),
    },
    {
      on: onPublic,
      answers: everyone(403),
      ask: async (attempt) => ({ ...ofPublic(attempt), ...(await newMember(attempt)) }),
    },
  ],
  'DELETE /api/v1/channels/:channelId/members/:personId': [
    { on: onPrivate, answers: { ...onlyMember(403), admin: 200 }, ask: otherMember('privateChannel') },
    { on: onPublic, answers: onlyAdmin(200), ask: otherMember('publicChannel') },
  ],
  'POST /api/v1/channels/:channelId/messages': [
    {
      on: onPrivate,
      answers: onlyMember(201),
      ask: (attempt) => ({ ...ofPrivate(attempt), body: { text: 'Hello' } }),
    },
    {
      on: onPublic,
      answers: { ...everyone(403), member: 201 },
      ask: (attempt) => ({ ...ofPublic(attempt), body: { text: 'Hello' } }),
    },
  ],
  'GET /api/v1/channels/:channelId/messages': [
    { on: onPrivate, answers: onlyMember(200), ask: ofPrivate },
    { on: onPublic, answers: { ...everyone(403), member: 200 }, ask: ofPublic },
  ],
  'DELETE /api/v1/channels/:channelId/messages/:messageRevision': [
    { on: onPrivate, answers: { ...onlyMember(403), admin: 200 }, ask: message('privateChannel') },
    { on: onPublic, answers: onlyAdmin(200), ask: message('publicChannel') },
  ],
};
