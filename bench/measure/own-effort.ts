import { type Effort, effortOf } from './effort.js';

const ownCpu = {
  async cpuSeconds(): Promise<number> {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1_000_000;
  },
};

/** What it took this process, on all its threads. @param body - resolves to how many times it was done */
export function ownEffort(body: () => Promise<number>): Promise<Effort> {
  return effortOf(ownCpu, body);
}
