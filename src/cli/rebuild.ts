import type { Command } from 'commander';
import { projections } from '../../projections/catalogue.js';
import type { Projection } from '../../projections/projection.js';
import { type RebuiltProjection, rebuildProjections } from '../projector/rebuild.js';
import { type Data, withData } from './data.js';
import { exitCodes } from './exit-codes.js';
import { interruption } from './interruption.js';
import { grouped, printJson, printLines } from './output.js';
import { startProgress } from './progress.js';

interface RebuildOptions {
  readonly json?: boolean;
}

export function addRebuild(program: Command): void {
  const names = projections.map(({ name }) => name).join(', ');
  program
    .command('rebuild [projection...]')
    .description(`build read models anew beside the live ones, compare, and replace those (default: ${names})`)
    .option('--json', 'print the result as JSON')
    .action(async (named: string[], options: RebuildOptions, command: Command) => {
      const chosen = projections.filter(({ name }) => named.length === 0 || named.includes(name));
      const unknown = named.filter((name) => !chosen.some((projection) => projection.name === name));
      if (unknown.length > 0) command.error(`parley: there is no projection ${unknown.join(', ')}; there are ${names}`);
      process.exitCode = await withData((data) => rebuild(data, chosen, options));
    });
}

async function rebuild(data: Data, chosen: readonly Projection[], { json }: RebuildOptions): Promise<number> {
  const progress = startProgress('Rebuilding', Number(await data.eventStore.head()), !json);
  const signal = interruption();
  const started = performance.now();
  let events = 0;
  try {
    const rebuilt = await rebuildProjections(data, chosen, {
      compare: true,
      signal,
      onProgress(folded, position) {
        events = folded;
        progress.update(Number(position), `${grouped(folded)} events`);
      },
    }).finally(() => progress.stop());
    const seconds = Math.round(performance.now() - started) / 1_000;
    if (json) printJson({ events, seconds, eventsPerSecond: Math.round(events / seconds), projections: rebuilt });
    else printLines([`${grouped(events)} events in ${seconds.toFixed(1)} s.`, ...rebuilt.flatMap(describe)]);
    return rebuilt.some(({ comparison }) => comparison && comparison.differing > 0) ? exitCodes.found : exitCodes.done;
  } catch (error) {
    if (signal.aborted) return exitCodes.interrupted;
    throw error;
  }
}

function describe({ projection, position, comparison }: RebuiltProjection): string[] {
  const title = `  ${projection}: at position ${position}`;
  if (!comparison) return [`${title}, not compared: the one before was of another version or position`];
  const { documents, differing, differences } = comparison;
  if (differing === 0) return [`${title}, ${grouped(documents)} documents as before`];
  return [
    `${title}, ${grouped(differing)} of ${grouped(documents)} documents differ from those before:`,
    ...differences.map(({ collection, id, what }) => `    ${collection} ${id}: ${what}`),
  ];
}
