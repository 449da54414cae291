import { stat } from 'node:fs/promises';
import type { Command } from 'commander';
import { projections } from '../../projections/catalogue.js';
import { Pipeline } from '../commands/pipeline.js';
import { InvalidInput } from '../commands/port.js';
import { type ImportResult, importTranscripts } from '../history/irc/import.js';
import { Transcript, UnreadableTranscript } from '../history/irc/transcript.js';
import { refuseCheckpointsAhead } from '../projector/checkpoint-ahead.js';
import { Positions } from '../read-store/positions.js';
import { type Data, withNewData } from './data.js';
import { exitCodes } from './exit-codes.js';
import { describeImport, reportOf } from './import-report.js';
import { interruption } from './interruption.js';
import { grouped, printJson, printLines } from './output.js';
import { startProgress } from './progress.js';

interface ImportOptions {
  readonly channel: string;
  readonly json?: boolean;
}

export function addImport(program: Command): void {
  program
    .command('import')
    .description('bring in what was said elsewhere')
    .command('irc <file...>')
    .description('import logs of an IRC channel, each named by its date; goes on where it was interrupted')
    .requiredOption('--channel <name>', 'name of the channel here; the same name continues the same channel')
    .option('--json', 'print the result as JSON, with the lines that were not imported')
    .action(async (files: string[], options: ImportOptions, command: Command) => {
      try {
        process.exitCode = await withNewData((data) => importIrc(data, files, options));
      } catch (error) {
        command.error(`parley: ${commandLineFault(error)}`);
      }
    });
}

/** @throws the error itself, if the command line is not at fault */
function commandLineFault(error: unknown): string {
  if (error instanceof UnreadableTranscript) return error.message;
  if (error instanceof InvalidInput) return `--channel: ${error.errors.map(({ message }) => message).join('; ')}`;
  throw error;
}

async function importIrc(data: Data, files: readonly string[], options: ImportOptions): Promise<number> {
  const { keys, readStore } = data;
  await refuseCheckpointsAhead({ ...data, projections });
  const key = await keys.secret('reservations');
  const transcripts: Transcript[] = [];
  for (const file of files) transcripts.push(await Transcript.open(file, key));
  // A server that runs meanwhile finds the events in the log; else the next one does.
  const pipeline = await Pipeline.open({
    ...data,
    positions: new Positions(readStore),
    publish() {},
    eventsBetweenSnapshots: 20_000,
  });
  const progress = startProgress('Importing', await sizeOf(files), !options.json);
  const started = performance.now();
  const result = await importTranscripts({
    ...data,
    pipeline,
    channel: options.channel.trim(),
    transcripts,
    key,
    signal: interruption(),
    onProgress: ({ bytes, messages }) => progress.update(bytes, `${grouped(messages)} messages`),
  }).finally(() => progress.stop());
  const seconds = (performance.now() - started) / 1_000;
  await pipeline.drain();
  return tell(result, files.length, seconds, options);
}

async function sizeOf(files: readonly string[]): Promise<number> {
  const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

function tell(result: ImportResult, files: number, seconds: number, { json }: ImportOptions): number {
  const report = reportOf(result, files, seconds);
  if (json) printJson(report);
  else printLines(describeImport(report));
  return result.interrupted ? exitCodes.interrupted : exitCodes.done;
}
