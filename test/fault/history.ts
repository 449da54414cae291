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

/** What one subscription handed over, from its beginning to its end. */
export interface Subscription {
  readonly feed: string;
  readonly person: string;
  /** Whether it still was to get everything when all was quiet. */
  live: boolean;
  readonly frames: { readonly revision: number; readonly bare: boolean; readonly text?: string }[];
}

export interface LoggedEvent {
  readonly stream: string;
  readonly revision: number;
  readonly position: bigint;
  readonly type: string;
  readonly text?: string;
}
