import type { FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import type { ProblemCode } from '../problems.js';

/** What was asked; not from where, since an address is a person's, nor what was given with the URL. */
export function askedBy({ method, url }: FastifyRequest): { readonly method: string; readonly path: string } {
  return { method, path: url.split('?', 1)[0] as string };
}

/** Tells of access that was denied. */
export function logDenial(logger: Logger, request: FastifyRequest, code: ProblemCode): void {
  logger.info({ ...askedBy(request), code }, 'access was denied');
}
