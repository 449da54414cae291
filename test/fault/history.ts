/** What clients did and saw while a server was being killed: the material of the checkers. */

/** A command that makes one event, told apart by a text of its own. */
export interface PostAttempt {
  readonly feed: string;
  readonly text: string;
  /** `ok`: acknowledged; `refused`: a definite rejection; `unknown`: no answer came, ever. */
  outcome: 'ok' | 'refused' | 'unknown';
  /** As acknowledged; every acknowledgement of a repeated command. */
  readonly acknowledged: { readonly revision: number; readonly position: string }[];
}

/** An answer that left open what became of a command. */
export interface Failure {
  readonly status: number;
  readonly code: string;
}

/** What one subscription handed over, from its beginning to its end. */
export interface Subscription {
  readonly feed: string;
  readonly person: string;
  /** Whether it still was to get everything when all was quiet. */
  live: boolean;
  readonly frames: { readonly revision: number; readonly bare: boolean; readonly text?: string }[];
}

/** All that is recorded of clients. */
export interface History {
  readonly attempts: PostAttempt[];
  readonly subscriptions: Subscription[];
  readonly failures: Failure[];
}

/** How far each projection was behind the log, when the process that folds was asked; empty where none does. */
export type Lags = Readonly<Record<string, number>>;

export interface LoggedEvent {
  readonly stream: string;
  readonly revision: number;
  readonly position: bigint;
  readonly id: string;
  readonly type: string;
  readonly commandId: string;
  readonly text?: string;
}

/** What was known of attempts while the log was no longer than this; what was acknowledged later is lost with its end. */
export function asFarAs(log: readonly LoggedEvent[], attempts: readonly PostAttempt[]): PostAttempt[] {
  const end = log.at(-1)?.position ?? 0n;
  return attempts.map((attempt) => {
    const isLost = attempt.acknowledged.some(({ position }) => BigInt(position) > end);
    return isLost ? { ...attempt, outcome: 'unknown', acknowledged: [] } : attempt;
  });
}
