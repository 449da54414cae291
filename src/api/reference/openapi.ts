import { PATH_METADATA } from '@nestjs/common/internal';
import { z } from 'zod';
import { type ProblemCode, problemOf, problemSchema } from '../../problems.js';
import {
  type BodySettings,
  bodySchema,
  boundedAs,
  type DeclaredRoute,
  declaredRoutes,
  type RouteOptions,
} from '../route.js';

/** The API as OpenAPI 3.1, made from the schemas that the routes parse with. */

type JsonSchema = Record<string, unknown>;

/** What every route may answer. */
const commonProblems: readonly ProblemCode[] = ['invalid-input', 'bad-request', 'not-acceptable', 'internal'];
const personProblems: readonly ProblemCode[] = ['unauthenticated'];
const bodyProblems: readonly ProblemCode[] = ['malformed-json', 'body-too-large', 'unsupported-media-type'];
const commandProblems: readonly ProblemCode[] = [
  'stale-version',
  'idempotency-key-reused',
  'person-forgotten',
  'outcome-unknown',
  'shutting-down',
];

export function describeApi(version: string, settings: BodySettings): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of declaredRoutes) {
    const path = pathOf(route);
    paths[path] ??= {};
    paths[path][route.options.method.toLowerCase()] = operation(route, settings);
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Parley',
      version,
      description: 'Meet, call, chat, discuss and learn together. Every route is also there under `/api`.',
    },
    paths,
    components: {
      securitySchemes: {
        accessToken: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
        sessionCookie: { type: 'apiKey', in: 'cookie', name: 'parley_session' },
      },
      schemas: { Problem: jsonSchema(problemSchema, 'output') },
    },
  };
}

function pathOf({ controller, options }: DeclaredRoute): string {
  const base: string = Reflect.getMetadata(PATH_METADATA, controller);
  return `/${base}/${options.path}`.replace(/\/$/, '').replace(/:(\w+)/g, '{$1}');
}

function operation({ controller, options, name }: DeclaredRoute, settings: BodySettings): object {
  const body = bodyOf(options, settings);
  const tag = controller.name.replace(/Controller$/, '').toLowerCase();
  return {
    operationId: `${tag}.${name}`,
    tags: [tag],
    summary: options.summary,
    security: options.auth === 'none' ? [] : [{ accessToken: [] }, { sessionCookie: [] }],
    parameters: [
      ...parameters(options.params, 'path'),
      ...parameters(options.query, 'query'),
      ...headers(options).map((parameter) => ({ in: 'header', ...parameter })),
    ],
    ...(body && { requestBody: { required: isRequired(body), content: { 'application/json': { schema: body } } } }),
    responses: { ...success(options), ...refusals(options, body !== undefined) },
  };
}

/** The body's fields: those of the command that are not in the path. */
function bodyOf(options: RouteOptions, settings: BodySettings): JsonSchema | undefined {
  const { command, params } = options;
  const body = bodySchema(options, settings);
  if (body) return jsonSchema(body, 'input');
  if (!(command?.input instanceof z.ZodObject)) return undefined;
  const inPath = Object.keys((params as z.ZodObject).shape).map((name) => [name, true]);
  const schema = command.input.omit(Object.fromEntries(inPath) as never);
  return Object.keys(schema.shape).length > 0 ? jsonSchema(schema, 'input') : undefined;
}

function isRequired(schema: JsonSchema): boolean {
  return ((schema.required as string[] | undefined) ?? []).length > 0;
}

function parameters(schema: z.ZodType, place: 'path' | 'query'): object[] {
  const { properties = {}, required = [] } = jsonSchema(schema, 'input') as {
    properties?: Record<string, JsonSchema>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, { description, ...property }]) => ({
    name,
    in: place,
    required: required.includes(name),
    ...(description !== undefined && { description }),
    schema: property,
  }));
}

function headers({ command, auth, etag, reads }: RouteOptions): object[] {
  const text = { type: 'string' };
  const described: object[] = [];
  if (command) {
    described.push({ name: 'Idempotency-Key', description: 'The same key has one effect (24 h).', schema: text });
    if (auth !== 'none') {
      described.push({ name: 'If-Match', description: 'Only if the resource still has this ETag.', schema: text });
    }
  }
  if (etag) described.push({ name: 'If-None-Match', description: 'ETag of what the caller has.', schema: text });
  if (reads) {
    const description = 'Answer only what knows of this position; 503 if that takes too long.';
    described.push({ name: 'Parley-Position', description, schema: text });
  }
  return described;
}

function success(route: RouteOptions): object {
  const { status, reply, otherwise, command, tries, etag, reads } = route;
  const text = { schema: { type: 'string' } };
  const answered = {
    ...(command && { 'Parley-Position': text }),
    ...((tries || boundedAs(route)) && { RateLimit: text, 'RateLimit-Policy': text }),
    ...(etag && { ETag: text }),
    ...(reads && { 'Parley-Stale': { ...text, description: 'Something that you have written may be missing.' } }),
  };
  return {
    [status]: {
      description: 'As asked.',
      headers: answered,
      ...(status !== 204 && { content: { 'application/json': { schema: jsonSchema(reply, 'output') } } }),
    },
    ...(otherwise && {
      [otherwise.status]: {
        description: 'Taken up, and to be completed.',
        content: { 'application/json': { schema: jsonSchema(otherwise.reply, 'output') } },
      },
    }),
    ...(etag && { 304: { description: 'The caller has it already.' } }),
  };
}

function refusals(route: RouteOptions, hasBody: boolean): object {
  const { auth, method, setsCookie, tries, command, params, reads, problems } = route;
  const codes = [
    ...commonProblems,
    ...(auth === 'none' ? [] : personProblems),
    ...(setsCookie || (auth === 'person' && method !== 'GET') ? (['cross-site-request'] as const) : []),
    ...(tries || boundedAs(route) ? (['rate-limited'] as const) : []),
    ...(hasBody ? bodyProblems : []),
    ...(command ? commandProblems : []),
    ...(reads ? (['projection-behind'] as const) : []),
    ...(Object.keys((params as z.ZodObject).shape).length > 0 ? (['not-found'] as const) : []),
    ...problems,
  ];
  const byStatus: Record<number, ProblemCode[]> = {};
  for (const code of new Set(codes)) {
    const { status } = problemOf(code);
    byStatus[status] = [...(byStatus[status] ?? []), code];
  }
  return Object.fromEntries(Object.entries(byStatus).map(([status, grouped]) => [status, refusal(grouped)]));
}

function refusal(codes: readonly ProblemCode[]): object {
  return {
    description: codes.map((code) => `\`${code}\`: ${problemOf(code).title}`).join(' '),
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  };
}

function jsonSchema(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  const { $schema, ...described } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as JsonSchema;
  return described;
}
