import { Req, RequestMapping, RequestMethod, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { AnyCommandDefinition, CommandClass } from '../../domain/decider.js';
import type { ProblemCode } from '../problems.js';
import type { ApiController } from './api-controller.js';
import type { Call } from './call.js';

/** Settings that bodies are measured by. */
export interface BodySettings {
  readonly passwordMinLength: number;
}

/** The schema of a route's body under these settings. */
export function bodySchema({ body }: RouteOptions, settings: BodySettings): z.ZodType | undefined {
  return typeof body === 'function' ? body(settings) : body;
}

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** How a route's tries are counted, always by the client's address. */
export interface Tries<Params = unknown, Query = unknown, Body = unknown> {
  /** The account that they are counted by as well: its e-mail address, user name or id, where the request names one. */
  account?(
    call: Call<Params, Query, Body>,
    controller: ApiController,
  ): string | undefined | Promise<string | undefined>;
  /** `failures`: what succeeds was no guess. `all`: also what succeeds, since it costs something. */
  readonly counts: 'failures' | 'all';
}

/** All that the API knows of a route: how it is served, and how OpenAPI describes it. */
export interface RouteOptions<Params = unknown, Query = unknown, Body = unknown> {
  readonly method: Method;
  /** After the controller's path; `:name` for each field of `params`. */
  readonly path: string;
  readonly summary: string;
  /** `none`: needs neither an access token nor a session's cookie. */
  readonly auth: 'person' | 'none';
  /** Its answer sets the session's cookie or clears it: no page of another origin may have a browser ask for that. */
  readonly setsCookie: boolean;
  /** What bounds how often it may be tried, where there is something to guess or a mail is sent. */
  readonly tries?: Tries<Params, Query, Body>;
  readonly params: z.ZodType<Params>;
  readonly query: z.ZodType<Query>;
  /** The body's schema, which may depend on the settings; a command's body is parsed with the command, not here. */
  readonly body?: z.ZodType<Body> | ((settings: BodySettings) => z.ZodType<Body>);
  /** The command that the route issues. */
  readonly command?: AnyCommandDefinition;
  /** With 204, nothing is answered, whatever the method returns. */
  readonly status: 200 | 201 | 202 | 204;
  readonly reply: z.ZodType;
  /** What it answers instead where its method returns `otherwise(…)`. */
  readonly otherwise?: { readonly status: 202; readonly reply: z.ZodType };
  /** The answer's `revision` is its ETag. */
  readonly etag: boolean;
  /** Projections that the answer is read from. */
  readonly reads?: readonly string[];
  /** Problems of its own, beside those that every route may answer. */
  readonly problems: readonly ProblemCode[];
}

/** By which limit a person's calls of the route are bounded; none where it only reads, or where nobody is known yet. */
export function boundedAs({ auth, method, command }: RouteOptions): CommandClass | undefined {
  if (auth === 'none' || method === 'GET') return undefined;
  return command?.class ?? 'administering';
}

export interface DeclaredRoute {
  // biome-ignore lint/complexity/noBannedTypes: a class, as Nest names it
  readonly controller: Function;
  /** Name of the method. */
  readonly name: string;
  readonly options: RouteOptions;
}

/** An answer of the route's other kind. */
export class Otherwise {
  constructor(readonly answer: object) {}
}

export function otherwise(answer: object): Otherwise {
  return new Otherwise(answer);
}

/** Every route of the controllers that were loaded. */
export const declaredRoutes: DeclaredRoute[] = [];

const nothing = z.strictObject({});

type Declared<Params, Query, Body> = Partial<RouteOptions<Params, Query, Body>> &
  Pick<RouteOptions, 'method' | 'path' | 'summary'> &
  ({ readonly status: 204 } | Pick<RouteOptions, 'reply'>);

type RouteMethod<Call> = (call: Call) => Promise<unknown>;

/**
 * Makes a controller's method a route. The method gets a parsed `Call` and returns what is to be answered; whatever it
 * throws is answered as a problem. A plain function instead of Nest's guards, pipes and interceptors: this is the path
 * of every command.
 */
export function Route<Params = Record<never, never>, Query = Record<never, never>, Body = undefined>(
  declared: Declared<Params, Query, Body>,
) {
  const options: RouteOptions = {
    auth: 'person',
    setsCookie: false,
    params: nothing,
    query: nothing,
    status: 200,
    reply: nothing,
    etag: false,
    problems: [],
    ...(declared as Partial<RouteOptions>),
  } as RouteOptions;
  return <Method extends RouteMethod<Call<Params, Query, Body>>>(
    target: ApiController,
    name: string,
    descriptor: TypedPropertyDescriptor<Method>,
  ): void => {
    serve(target, name, descriptor, options, descriptor.value as unknown as RouteMethod<Call>);
    declaredRoutes.push({ controller: target.constructor, name, options });
  };
}

function serve(
  target: ApiController,
  name: string,
  descriptor: PropertyDescriptor,
  options: RouteOptions,
  method: RouteMethod<Call>,
): void {
  descriptor.value = async function (this: ApiController, request: FastifyRequest, reply: FastifyReply): Promise<void> {
    await this.boundary.serve(options, request, reply, this, method);
  };
  Req()(target, name, 0);
  Res()(target, name, 1);
  RequestMapping({ path: options.path, method: RequestMethod[options.method] })(target, name, descriptor);
}
