import type { Profiler, Runtime } from 'node:inspector';
import { Session } from 'node:inspector/promises';

const intervalMicros = 200;

/** Profiles this process while the body runs. */
export async function profiled<T>(body: () => Promise<T>): Promise<{ result: T; profile: Profiler.Profile }> {
  const session = new Session();
  session.connect();
  try {
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: intervalMicros });
    await session.post('Profiler.start');
    const result = await body();
    const { profile } = await session.post('Profiler.stop');
    return { result, profile };
  } finally {
    session.disconnect();
  }
}

/** Which part of the samples, other than idle ones, was taken in functions that are meant or in what those called. */
export function shareOf(
  { nodes, samples = [] }: Profiler.Profile,
  isMeant: (frame: Runtime.CallFrame) => boolean,
): number {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const inside = new Set<number>();
  const enter = (node: Profiler.ProfileNode) => {
    inside.add(node.id);
    for (const id of node.children ?? []) enter(byId.get(id) as Profiler.ProfileNode);
  };
  for (const node of nodes) if (isMeant(node.callFrame)) enter(node);
  const busy = samples.filter((id) => byId.get(id)?.callFrame.functionName !== '(idle)');
  return busy.filter((id) => inside.has(id)).length / busy.length;
}
