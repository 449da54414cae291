import { Presets, SingleBar } from 'cli-progress';

/** Shows how far long work has come, on a terminal only. */
export interface Progress {
  /** @param done - of the total, in its unit */
  update(done: number, remark?: string): void;
  stop(): void;
}

const none: Progress = { update() {}, stop() {} };

/** @param visible - false where a script reads the output */
export function startProgress(label: string, total: number, visible: boolean): Progress {
  if (!visible || !process.stderr.isTTY) return none;
  const bar = new SingleBar(
    { format: `${label} {bar} {percentage}% {remark}`, hideCursor: true, fps: 5, stream: process.stderr },
    Presets.shades_classic,
  );
  bar.start(total, 0, { remark: '' });
  return {
    update: (done, remark = '') => bar.update(done, { remark }),
    stop: () => bar.stop(),
  };
}
