import type { Problem } from '../src/problems.js';

/** The server refused a request; `problem.code` tells why. */
export class ProblemError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail ?? problem.title);
    this.name = 'ProblemError';
  }

  get code(): Problem['code'] {
    return this.problem.code;
  }
}

/** The connection ended for good: by `close`, or by the server with a code that says not to come back. */
export class ConnectionEnded extends Error {
  constructor(
    readonly code: number,
    readonly reason: string,
  ) {
    super(`the connection has ended: ${reason || code}`);
    this.name = 'ConnectionEnded';
  }
}

/** No answer came in time: whether the command took effect is not known. */
export class CommandTimeout extends Error {
  constructor(readonly type: string) {
    super(`no answer to ${type} in time`);
    this.name = 'CommandTimeout';
  }
}

/** Whether the same request may succeed a little later. */
export function isPassing({ status }: Problem): boolean {
  return status === 503 || status === 429;
}
