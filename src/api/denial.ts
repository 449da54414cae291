import type { FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import type { ProblemCode } from '../problems.js';

/** Tells of access that was denied; not from where, since an address is a person's, nor what was given with the URL. */
export function logDenial(logger: Logger, { method, url }: FastifyRequest, code: ProblemCode): void {
  const [path] = url.split('?');
  logger.info({ method, path, code }, 'access was denied');
}
