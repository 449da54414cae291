import { z } from 'zod';
import { Rejection, type RejectionCode } from '../domain/rejections.js';
import { Unauthenticated } from './auth/session.js';
import { SecondFactorRequired, WrongCredentials } from './auth/wrong-credentials.js';
import { QueueFull } from './bounded-queue.js';
import {
  CommandRejected,
  type FieldError,
  InvalidInput,
  ProjectionBehind,
  ShuttingDown,
  StreamContended,
} from './commands/port.js';
import { SubjectForgotten } from './event-store/codec.js';
import { EventTooLarge, OutcomeUnknown } from './event-store/port.js';
import { RateLimited } from './rate-limits.js';
import { NotIndexed } from './read-store/port.js';
import { ServerUnavailable } from './server-unavailable.js';

/**
 * What every error means to callers, over HTTP and over sockets: a problem of RFC 9457 with a code of this closed
 * catalogue.
 */

/** Faults at the boundary, which no context's rules know of. */
type BoundaryCode =
  | 'malformed-json'
  | 'invalid-input'
  | 'unknown-command'
  | 'unauthenticated'
  | 'wrong-credentials'
  | 'address-refused'
  | 'cross-site-request'
  | 'https-required'
  | 'unknown-route'
  | 'not-acceptable'
  | 'body-too-large'
  | 'unsupported-media-type'
  | 'bad-cursor'
  | 'bad-request'
  | 'idempotency-key-reused'
  | 'person-forgotten'
  | 'outcome-unknown'
  | 'projection-behind'
  | 'rate-limited'
  | 'busy'
  | 'shutting-down'
  | 'unavailable'
  | 'internal';

export type ProblemCode = RejectionCode | BoundaryCode;

interface ProblemKind {
  readonly status: number;
  readonly title: string;
  /** Seconds after which it may be tried again, where trying again may help. */
  readonly retryAfter?: number;
}

const catalogue: Readonly<Record<ProblemCode, ProblemKind>> = {
  'not-found': { status: 404, title: 'There is no such thing, or you may not see it.' },
  forbidden: { status: 403, title: 'Your role does not allow this.' },
  'not-a-member': { status: 403, title: 'Only members may do this.' },
  'already-exists': { status: 409, title: 'It exists already.' },
  'email-taken': { status: 409, title: 'An account with this e-mail address exists already.' },
  'username-taken': { status: 409, title: 'This user name is taken.' },
  'stale-version': { status: 412, title: 'It has changed since the version that you named.' },
  'start-not-in-future': { status: 400, title: 'The start must be in the future.' },
  'end-not-after-start': { status: 400, title: 'The end must be after the start.' },
  'channel-private': { status: 403, title: 'The channel is private.' },
  'last-owner': { status: 409, title: 'A channel with members keeps at least one owner.' },
  'last-admin': { status: 409, title: 'The platform keeps at least one admin: appoint another one first.' },
  'too-many': { status: 409, title: 'There are too many already.' },
  'account-deactivated': { status: 403, title: 'The account is deactivated.' },
  'email-not-verified': { status: 403, title: 'The e-mail address is not verified yet.' },
  'token-not-valid': { status: 400, title: 'The token is not valid: it was used already, or it has expired.' },
  'session-ended': { status: 401, title: 'The session has ended: log in again.' },
  'second-factor-required': { status: 401, title: 'A code of your second factor is required.' },
  'wrong-code': { status: 401, title: 'The code is wrong, or was used already.' },
  'locks-out-caller': { status: 409, title: 'This would keep you out yourself.' },

  'malformed-json': { status: 400, title: 'The body is not valid JSON.' },
  'invalid-input': { status: 400, title: 'The input is not valid.' },
  'unknown-command': { status: 400, title: 'There is no such command.' },
  unauthenticated: { status: 401, title: 'A valid access token or session is required.' },
  'wrong-credentials': { status: 401, title: 'The e-mail address or user name, or the password, is wrong.' },
  'address-refused': { status: 403, title: 'This can not be reached from your address.' },
  'cross-site-request': { status: 403, title: 'A page of another origin may not have a browser ask this.' },
  'https-required': { status: 403, title: 'This is served over HTTPS only.' },
  'unknown-route': { status: 404, title: 'There is no such route.' },
  'not-acceptable': { status: 406, title: 'Answers are given as JSON only.' },
  'body-too-large': { status: 413, title: 'The body is too large.' },
  'unsupported-media-type': { status: 415, title: 'The body must be application/json.' },
  'bad-cursor': { status: 400, title: 'The cursor is not one that a list has answered.' },
  'bad-request': { status: 400, title: 'The request can not be understood.' },
  'idempotency-key-reused': { status: 422, title: 'The Idempotency-Key was used with another input.' },
  'person-forgotten': { status: 410, title: 'The person was forgotten: nothing more of theirs is kept.' },
  'outcome-unknown': {
    status: 503,
    title: 'It is not known whether this was done: send it again with the same Idempotency-Key.',
    retryAfter: 2,
  },
  'projection-behind': { status: 503, title: 'What must be read for this is not up to date yet.', retryAfter: 1 },
  'rate-limited': { status: 429, title: 'Too many requests.', retryAfter: 1 },
  busy: { status: 503, title: 'Too much to do at the moment.', retryAfter: 1 },
  'shutting-down': { status: 503, title: 'The server is about to stop.', retryAfter: 5 },
  unavailable: { status: 503, title: 'A part of the service does not answer at the moment.', retryAfter: 2 },
  internal: { status: 500, title: 'Something went wrong on our side.' },
};

export const problemCodes = Object.keys(catalogue) as ProblemCode[];

const fieldErrorSchema = z.object({ field: z.string(), message: z.string() });

export const problemSchema = z.object({
  /** Where the code is told about. */
  type: z.string(),
  title: z.string(),
  status: z.number().int(),
  code: z.enum(problemCodes as [ProblemCode, ...ProblemCode[]]),
  detail: z.string().optional(),
  errors: z.array(fieldErrorSchema).optional(),
  /** Fields that must be there, when one of them is missing. */
  required: z.array(z.string()).optional(),
  /** Seconds after which it may be tried again, where trying again may help. */
  retryAfter: z.number().int().optional(),
  /** To be answered with a code of the second factor. */
  challenge: z.string().optional(),
  /** The title once more, for simple clients. */
  error: z.string(),
});

export type Problem = z.infer<typeof problemSchema>;

type ProblemMembers = Partial<Pick<Problem, 'detail' | 'errors' | 'required' | 'retryAfter' | 'challenge'>>;

/** Refuses a request for a reason that no more telling error exists for. */
export class Refused extends Error {
  constructor(
    readonly code: ProblemCode,
    readonly members: ProblemMembers = {},
  ) {
    super(members.detail ?? catalogue[code].title);
  }
}

export function problemOf(code: ProblemCode, members: ProblemMembers = {}): Problem {
  const { status, title, retryAfter } = catalogue[code];
  const again = retryAfter === undefined ? {} : { retryAfter };
  return { type: `/api/v1/problems#${code}`, title, status, code, ...again, ...members, error: title };
}

/** Whether a problem of this status keeps someone from what they may not have, or have not shown that they may. */
export function isDenial(status: number): boolean {
  return status === 401 || status === 403;
}

/** What an error means to the caller. Nothing of an unexpected one is told: log errors whose problem is `internal`. */
export function toProblem(error: unknown): Problem {
  if (error instanceof Refused) return problemOf(error.code, error.members);
  if (error instanceof InvalidInput) return invalidInput(error.errors, error.required);
  if (error instanceof CommandRejected || error instanceof Rejection) return rejected(error);
  if (error instanceof Unauthenticated) return problemOf('unauthenticated');
  if (error instanceof RateLimited) return problemOf('rate-limited', { retryAfter: error.retryAfter });
  if (error instanceof WrongCredentials) return problemOf('wrong-credentials');
  if (error instanceof SecondFactorRequired) return problemOf('second-factor-required', { challenge: error.challenge });
  if (error instanceof QueueFull || error instanceof StreamContended) return problemOf('busy');
  if (error instanceof OutcomeUnknown) return problemOf('outcome-unknown');
  if (error instanceof ProjectionBehind || error instanceof NotIndexed) return problemOf('projection-behind');
  if (error instanceof ShuttingDown) return problemOf('shutting-down');
  if (error instanceof ServerUnavailable) return problemOf('unavailable');
  if (error instanceof EventTooLarge) return problemOf('body-too-large');
  if (error instanceof SubjectForgotten) return problemOf('person-forgotten');
  return problemOf('internal');
}

function invalidInput(errors: readonly FieldError[], required: readonly string[] = []): Problem {
  const told = errors.map(tell).join('; ');
  const listed = required.length > 0 ? `. Required: ${required.join(', ')}` : '';
  return problemOf('invalid-input', {
    detail: `${told}${listed}.`,
    errors: [...errors],
    ...(required.length > 0 && { required: [...required] }),
  });
}

function tell({ field, message }: FieldError): string {
  if (field === '') return message;
  return /^[a-z]/.test(message) ? `${field} ${message}` : `${field}: ${message}`;
}

function rejected({ code, detail, field }: Rejection | CommandRejected): Problem {
  return problemOf(code, {
    ...(detail !== undefined && { detail }),
    ...(field !== undefined && { errors: [{ field, message: detail ?? catalogue[code].title }] }),
  });
}
