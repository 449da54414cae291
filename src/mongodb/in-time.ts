import type { Abortable, CommandOperationOptions } from 'mongodb';

/** A query that the server has not answered by then, it gives up; in ms. */
const queryMs = 5_000;

/** How long the answer to a command may take, in ms: longer than a majority is waited for. */
const answerMs = 15_000;

/**
 * Options that every command has. The driver's own limits don't hold where a connection has ended at the moment when it is
 * written to: it would wait for ever, and the connection would keep its place in the pool.
 */
export function inTime(): Abortable & Pick<CommandOperationOptions, 'comment'> {
  return { signal: AbortSignal.timeout(answerMs) };
}

/** Options that every query has. */
export function queryInTime() {
  return { maxTimeMS: queryMs, ...inTime() };
}
