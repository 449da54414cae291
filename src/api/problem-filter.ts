import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException, Inject } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { Metrics } from '../metrics.js';
import { isDenial, type Problem, type ProblemCode, problemOf, toProblem } from '../problems.js';
import { RateLimited, rateLimitHeaders } from '../rate-limits.js';
import { askedBy, logDenial } from './denial.js';
import { LOGGER } from './tokens.js';

/** What Nest and Fastify refuse before a route sees the request, by their status. */
const refusedByFramework: Readonly<Record<number, ProblemCode>> = {
  404: 'unknown-route',
  413: 'body-too-large',
  415: 'unsupported-media-type',
};

/** What is answered on purpose when there is too much to do: metrics count it, and a line each would only add to it. */
const underPressure: ReadonlySet<ProblemCode> = new Set(['busy', 'projection-behind', 'shutting-down']);

/** Answers every error as a problem (RFC 9457). */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  readonly #count: (code: ProblemCode) => void;

  constructor(
    @Inject(LOGGER) private readonly logger: Logger,
    @Inject(Metrics) metrics: Metrics,
  ) {
    this.#count = metrics.counterBy(
      'parley_http_problems_total',
      'Requests answered with a problem, by its code.',
      'code',
    );
  }

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const problem = this.#problemOf(error);
    this.#count(problem.code);
    this.#log(error, problem, request);
    const reply = http.getResponse<FastifyReply>();
    if (error instanceof RateLimited && !reply.sent) reply.headers(rateLimitHeaders(error.standings));
    sendProblem(reply, problem);
  }

  #problemOf(error: unknown): Problem {
    if (!(error instanceof HttpException)) return toProblem(error);
    const status = error.getStatus();
    const code = refusedByFramework[status] ?? (status < 500 ? 'bad-request' : 'internal');
    return problemOf(code);
  }

  /** Faults of ours, and what we have turned away. */
  #log(error: unknown, { status, code }: Problem, request: FastifyRequest): void {
    if (underPressure.has(code)) this.logger.debug({ ...askedBy(request), code }, 'a request was put off');
    else if (status >= 500) this.logger.error({ err: error, ...askedBy(request), code }, 'a request failed');
    else if (isDenial(status)) logDenial(this.logger, request, code);
  }
}

export function sendProblem(reply: FastifyReply, problem: Problem): void {
  if (reply.sent) return;
  if (problem.retryAfter !== undefined) reply.header('retry-after', problem.retryAfter);
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer');
  reply
    .code(problem.status)
    .header('content-type', 'application/problem+json; charset=utf-8')
    .header('cache-control', 'no-store')
    .send(JSON.stringify(problem));
}
