import {
  AccessDeniedError,
  AppendConsistencyViolationError,
  AppendRecordSizeExceededError,
  CancelledError,
  DeadlineExceededError,
  MaxAppendSizeExceededError,
  NotLeaderError,
  StreamDeletedError,
  StreamNotFoundError,
  StreamTombstonedError,
  TransactionMaxSizeExceededError,
  UnavailableError,
  UnsupportedError,
  WrongExpectedVersionError,
} from '@kurrent/kurrentdb-client';

/** What a failed call of KurrentDB's client tells. */
export type Meaning =
  /** A stream is not where it was expected; nothing was written. */
  | 'conflict'
  /** The server will not do it, however often it is asked; nothing was written. */
  | 'refused'
  /** The connection is lost, and the client makes another one by itself; it may have been done. */
  | 'disconnected'
  /** No answer came in time; it may have been done. */
  | 'unanswered'
  /** Anything else, such as a server that is just starting; it may have been done. */
  | 'unclear';

/** A call took longer than we wait, whatever the client's own deadlines. */
export class CallTimedOut extends Error {
  constructor(deadlineMs: number) {
    super(`no answer within ${deadlineMs} ms`);
  }
}

/** Something that trying again does not mend; the message says what. */
export class KurrentRefused extends Error {}

const conflicts = [WrongExpectedVersionError, AppendConsistencyViolationError];
const refusals = [
  KurrentRefused,
  AccessDeniedError,
  AppendRecordSizeExceededError,
  MaxAppendSizeExceededError,
  StreamDeletedError,
  StreamNotFoundError,
  StreamTombstonedError,
  TransactionMaxSizeExceededError,
  UnsupportedError,
];
const disconnections = [UnavailableError, CancelledError, NotLeaderError];

/** Codes of gRPC, which errors have that the client does not know by a class. */
const refusalCodes: readonly unknown[] = [
  3 /* invalid argument */, 7 /* denied */, 9 /* precondition */, 12 /* unimplemented */,
];
const disconnectionCodes: readonly unknown[] = [1 /* cancelled */, 14 /* unavailable */];
const deadlineCode = 4;

export function meaningOf(error: unknown): Meaning {
  const isOneOf = (kinds: readonly (abstract new (...args: never[]) => Error)[]) =>
    kinds.some((kind) => error instanceof kind);
  if (isOneOf(conflicts)) return 'conflict';
  if (isOneOf(refusals)) return 'refused';
  if (isOneOf(disconnections)) return 'disconnected';
  if (error instanceof DeadlineExceededError || error instanceof CallTimedOut) return 'unanswered';
  const { code } = error as { code?: unknown };
  if (refusalCodes.includes(code)) return 'refused';
  if (disconnectionCodes.includes(code)) return 'disconnected';
  return code === deadlineCode ? 'unanswered' : 'unclear';
}

/** Whether the server has answered, though not as one wished. */
export function isAnswer(meaning: Meaning): boolean {
  return meaning === 'conflict' || meaning === 'refused';
}

/** The client's errors often have no message, and all have the same name. */
export function describeFailure(error: unknown): string {
  const { message, type } = error as { message?: string; type?: string };
  return message || type || 'an error without a message';
}
