import {
  MongoBulkWriteError,
  MongoError,
  MongoNetworkError,
  MongoServerError,
  MongoServerSelectionError,
} from 'mongodb';
import { ServerUnavailable } from '../server-unavailable.js';

/** What the server answers while it goes, comes, elects or has too much to do (its `error_codes.yml`). */
const passingCodes: ReadonlySet<unknown> = new Set([
  6, // HostUnreachable
  7, // HostNotFound
  50, // MaxTimeMSExpired
  64, // WriteConcernTimeout
  89, // NetworkTimeout
  91, // ShutdownInProgress
  134, // ReadConcernMajorityNotAvailableYet
  189, // PrimarySteppedDown
  262, // ExceededTimeLimit
  9001, // SocketException
  10107, // NotWritablePrimary
  11600, // InterruptedAtShutdown
  11602, // InterruptedDueToReplStateChange
  13435, // NotPrimaryNoSecondaryOk
  13436, // NotPrimaryOrSecondary
]);

/** Classes of the driver that it does not export. */
const passingNames: ReadonlySet<string> = new Set([
  'MongoWaitQueueTimeoutError',
  'MongoPoolClearedError',
  'MongoOperationTimeoutError',
]);

/** Of the connection, where the driver passes on what has befallen it as it was being written to. */
const passingSystemCodes: ReadonlySet<unknown> = new Set(['ECONNRESET', 'EPIPE', 'ETIMEDOUT']);

/** Whether the server could not be asked, or could not do it now: it may be tried again. */
export function isPassing(error: unknown): boolean {
  if (error instanceof MongoNetworkError || error instanceof MongoServerSelectionError) return true;
  if (!(error instanceof MongoError)) return isSystemError(error) || isLate(error);
  if (error instanceof MongoBulkWriteError && isPassingBulk(error)) return true;
  return passingNames.has(error.name) || passingCodes.has(error.code);
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && passingSystemCodes.has((error as NodeJS.ErrnoException).code);
}

/** There was no answer in time. */
function isLate(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'TimeoutError';
}

/** The driver wraps what befell a bulk write. */
function isPassingBulk({ errorResponse, result }: MongoBulkWriteError): boolean {
  return isPassing(errorResponse) || passingCodes.has(result?.getWriteConcernError()?.code);
}

/** Whether the server has understood, and will not do it. */
export function isRefusal(error: unknown): boolean {
  return error instanceof MongoServerError && !isPassing(error);
}

/**
 * Runs `body`, and says of a server that does not answer which one that is.
 * @param place - as people know it
 * @throws {ServerUnavailable}
 */
export async function reaching<T>(place: string, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    if (!isPassing(error)) throw error;
    throw new ServerUnavailable(`${place} does not answer: ${(error as Error).message}`, { cause: error });
  }
}
