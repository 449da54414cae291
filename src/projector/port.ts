import type { RebuildOptions, RebuiltProjection } from './rebuild.js';

export interface ProjectionStatus {
  readonly projection: string;
  /**
   * `following` the log with the others, `catching-up` with them, `building` a generation of its new version while
   * readers go on with the old one, or `stopped` by an event that it can't fold.
   */
  readonly state: 'following' | 'catching-up' | 'building' | 'stopped';
  /** Of the last event that queries see. */
  readonly position: bigint;
  /** Why it has stopped. */
  readonly failure?: string;
}

export interface ProjectorStatus {
  readonly projections: readonly ProjectionStatus[];
  /** Why nothing goes on at the moment: the log can't be read or the read store can't be written. It is tried again. */
  readonly failure?: string;
}

export interface Projector {
  status(): ProjectorStatus;
  /**
   * Builds projections (all, unless named) anew beside the live generations, which go on until they are replaced.
   * @throws {FoldFailed} in which case the live generations stay
   */
  rebuild(projections?: readonly string[], options?: RebuildOptions): Promise<RebuiltProjection[]>;
  stop(): Promise<void>;
}
