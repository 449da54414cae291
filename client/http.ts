import { ProblemError } from './errors.js';

export type Fetch = typeof globalThis.fetch;

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** After `/api/v1/`. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  readonly accessToken?: string | undefined;
  /** Position that the answer must know of. */
  readonly position?: string | undefined;
}

/** Times that a request is sent again which the server could not answer at the moment. */
const mostRetries = 3;

/**
 * Sends a request and reads its answer.
 * @throws {ProblemError} if it is refused
 */
export async function requestJson<Answer>(fetch: Fetch, origin: string, request: HttpRequest): Promise<Answer> {
  for (let retries = 0; ; retries += 1) {
    const response = await fetch(urlOf(origin, request), {
      method: request.method,
      headers: headersOf(request),
      ...(request.body !== undefined && { body: JSON.stringify(request.body) }),
    });
    const answer = response.status === 204 ? undefined : await response.json();
    if (response.ok) return answer as Answer;
    const error = new ProblemError(answer as ProblemError['problem']);
    // only what has no effect: a POST is sent again by whoever knows its key
    if (request.method !== 'GET' || response.status !== 503 || retries === mostRetries) throw error;
    await wait(Number(response.headers.get('retry-after') ?? 1) * 1_000);
  }
}

function urlOf(origin: string, { path, query = {} }: HttpRequest): string {
  const url = new URL(`/api/v1/${path}`, origin);
  for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, String(value));
  return url.href;
}

function headersOf({ body, accessToken, position }: HttpRequest): Record<string, string> {
  return {
    accept: 'application/json, application/problem+json',
    ...(body !== undefined && { 'content-type': 'application/json' }),
    ...(accessToken !== undefined && { authorization: `Bearer ${accessToken}` }),
    ...(position !== undefined && { 'parley-position': position }),
  };
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
