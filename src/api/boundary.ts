import type { FastifyReply, FastifyRequest } from 'fastify';
import { systemActor } from '../../domain/decider.js';
import { type Authenticator, type Session, Unauthenticated } from '../auth/session.js';
import { type CommandReply, parse } from '../commands/port.js';
import { Refused } from '../problems.js';
import { type Call, positionOf } from './call.js';
import { etagOf, matchesNone } from './preconditions.js';
import type { ReadYourWrites } from './read-your-writes.js';
import type { RouteOptions } from './route.js';

/** Nobody is logged in: for routes that ask for no token. */
const nobody: Session = { actor: systemActor, expiresAt: Number.POSITIVE_INFINITY };

const json = /json|\*\/\*|application\/\*/;
const bearer = 'bearer ';

/** What every route does before and after its own work: who calls, what they ask, how they are answered. */
export class Boundary {
  constructor(
    private readonly authenticator: Authenticator,
    private readonly readYourWrites: ReadYourWrites,
  ) {}

  /**
   * @throws {Unauthenticated} before anything of the request is looked at
   * @throws {InvalidInput} if a part does not fit its schema
   * @throws {Refused} if a header is malformed, there can't be such a resource, or the read models are behind
   */
  async enter(route: RouteOptions, request: FastifyRequest, reply: FastifyReply): Promise<Call> {
    const session = route.auth === 'none' ? nobody : await this.#authenticate(request);
    const { accept } = request.headers;
    if (accept !== undefined && !json.test(accept)) throw new Refused('not-acceptable');
    const call: Call = {
      session,
      params: parseParams(route, request.params),
      query: parse(route.query, request.query),
      body: route.body ? parse(route.body, request.body) : request.body,
      request,
    };
    if (route.reads) await this.#wait(route.reads, call, reply);
    return call;
  }

  async #authenticate({ headers }: FastifyRequest): Promise<Session> {
    const { authorization = '' } = headers;
    if (authorization.slice(0, bearer.length).toLowerCase() !== bearer) throw new Unauthenticated();
    return this.authenticator.authenticate(authorization.slice(bearer.length));
  }

  async #wait(projections: readonly string[], { session, request }: Call, reply: FastifyReply): Promise<void> {
    const current = await this.readYourWrites.wait(session.actor.id, positionOf(request), projections);
    if (!current) reply.header('parley-stale', 'true');
  }

  /** Sends what the route's method has returned. */
  answer(route: RouteOptions, { session, request }: Call, result: object, reply: FastifyReply): void {
    if (route.command) {
      const { position } = result as CommandReply;
      if (route.auth !== 'none') this.readYourWrites.remember(session.actor.id, position);
      reply.header('parley-position', position);
    }
    if (route.etag) {
      const etag = etagOf((result as { revision: number }).revision);
      reply.header('etag', etag);
      reply.header('cache-control', 'private, no-cache');
      if (!matchesNone(request.headers['if-none-match'], etag)) {
        reply.code(304).send();
        return;
      }
    } else reply.header('cache-control', 'no-store');
    reply.code(route.status).send(result);
  }
}

/** An id of another form than ids have names nothing. */
function parseParams({ params }: RouteOptions, given: unknown): unknown {
  const parsed = params.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new Refused('not-found');
}
