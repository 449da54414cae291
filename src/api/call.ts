import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { Session, Whence } from '../auth/session.js';
import { type CommandRequest, type CommandType, InvalidInput } from '../commands/port.js';
import { Refused } from '../problems.js';
import { parseIfMatch } from './preconditions.js';
import type { CookieOfAnswer } from './session-cookie.js';

/** A request whose caller is known and whose parts are parsed: what a route's method gets. */
export interface Call<Params = unknown, Query = unknown, Body = unknown> {
  readonly session: Session;
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  readonly request: FastifyRequest;
  /** For routes that are declared to set the session's cookie. */
  readonly cookie: CookieOfAnswer;
}

type SchemaOf<Body> = Body extends (settings: never) => infer Made ? Made : Body;

/** A call whose body is of this schema, or of the one that this function makes of the settings. */
export type BodyOf<Body, Params = object> = Call<Params, object, z.infer<SchemaOf<Body> & z.ZodType>>;

/** The command that a call asks for; its input is the body's fields and those of the path. */
export function commandRequest<Type extends CommandType>(
  type: Type,
  { session, params, body, request }: Call,
): CommandRequest<Type> {
  const ifMatch = parseIfMatch(request.headers['if-match']);
  const idempotencyKey = idempotencyKeyOf(request);
  const input = commandInput(params as Record<string, unknown>, body);
  return { type, input, actor: session.actor, ifMatch, idempotencyKey };
}

function commandInput(params: Readonly<Record<string, unknown>>, body: unknown): object {
  if (body === undefined) return params;
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new InvalidInput([{ field: '', message: 'the body must be a JSON object' }]);
  }
  const named = Object.keys(params).filter((name) => Object.hasOwn(body, name));
  if (named.length > 0) throw new InvalidInput(named.map((field) => ({ field, message: 'is not known' })));
  // A tenth of what spreading them would cost. No body has a member `__proto__`, which the parser refuses.
  return Object.assign({}, body, params);
}

const visibleAscii = /^[\x21-\x7e]{1,255}$/;

/** @throws {Refused} if the header is malformed */
export function idempotencyKeyOf({ headers }: FastifyRequest): string | undefined {
  const key = headers['idempotency-key'];
  if (key === undefined) return undefined;
  if (typeof key === 'string' && visibleAscii.test(key)) return key;
  throw new Refused('bad-request', { detail: 'Idempotency-Key must be 1 to 255 visible ASCII characters.' });
}

/** @throws {Refused} if the header is malformed */
export function positionOf({ headers }: FastifyRequest): bigint | undefined {
  const position = headers['parley-position'];
  if (position === undefined) return undefined;
  if (typeof position === 'string' && /^\d{1,18}$/.test(position)) return BigInt(position);
  throw new Refused('bad-request', { detail: 'Parley-Position must be a position as a command has answered it.' });
}

const maxUserAgentLength = 512;

/** From where a request comes, as it is kept with a session. */
export function whenceOf({ clientAddress, headers }: FastifyRequest): Whence {
  return { address: clientAddress, userAgent: headers['user-agent']?.slice(0, maxUserAgentLength) ?? null };
}
