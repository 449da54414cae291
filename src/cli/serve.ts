import { resolve } from 'node:path';
import type { Command } from 'commander';
import { type Config, loadConfig } from '../config.js';
import type { Parley } from '../main.js';
import { exitCodes } from './exit-codes.js';
import { exitWith, failureOf } from './failure.js';

/** Longest time from the signal to the end, in ms. */
const drainMs = 9_500;
/** Time for the last answers after a store has failed, in ms. */
const lastWordsMs = 250;

export function addServe(program: Command): void {
  program
    .command('serve')
    .description('run the server; settings come from the environment, .env and CONFIG_FILE')
    .option('--roles <roles>', 'comma-separated: api, edge, projector, relay, reactor (default: all)')
    .action(async ({ roles }: { roles?: string }) => {
      const environment = roles === undefined ? process.env : { ...process.env, PARLEY_ROLES: roles };
      await serve(loadConfig(environment));
    });
}

async function serve(config: Config): Promise<void> {
  endOnUnhandledFailure();
  const stopping = stopOnSignal();
  // Only now: the other commands do without all that a server loads.
  const { startParley } = await import('../main.js');
  const parley = await startParley(config, { onFatal: endAfterStoreFailure });
  process.stdout.write(`${announcement(config, parley)}\n`);
  await stopping;
  setTimeout(() => {
    exitWith({ lines: ['Draining took too long: some requests were not finished.'], exitCode: exitCodes.interrupted });
  }, drainMs).unref();
  await parley.close();
  process.exit(exitCodes.done);
}

/** Resolves at the first signal; a second one ends the process at once. */
function stopOnSignal(): Promise<void> {
  return new Promise((stop) => {
    let signalled = false;
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        if (signalled) process.exit(exitCodes.interrupted);
        signalled = true;
        stop();
      });
    }
  });
}

function endOnUnhandledFailure(): void {
  const end = (error: unknown) => exitWith(failureOf(error));
  process.on('uncaughtException', end);
  process.on('unhandledRejection', end);
}

/** Whoever waits for an answer is still told that the outcome is unknown. */
function endAfterStoreFailure(error: Error): void {
  setTimeout(() => exitWith({ lines: failureOf(error).lines, exitCode: exitCodes.store }), lastWordsMs);
}

function announcement(config: Config, { url, edgeUrl, operationsUrl }: Parley): string {
  const lines = [`Parley is ready (${[...config.roles].join(', ')}).`];
  if (url !== undefined) lines.push(`  API      ${url}/api/v1, to read: ${url}/api/v1/docs`);
  if (edgeUrl !== undefined) lines.push(`  Sockets  ${(url ?? edgeUrl).replace('http', 'ws')}/api/v1/socket`);
  if (url === undefined) lines.push(`  Health   ${operationsUrl}/health`);
  lines.push(`  Data     ${resolve(config.dataDirectory)}`);
  if (url !== undefined) lines.push('  Try', ...tryThis(url));
  return lines.join('\n');
}

function tryThis(url: string): string[] {
  const body = JSON.stringify({ email: 'ann@example.org', name: 'Ann', password: 'correct horse' });
  return [
    `    curl ${url}/health`,
    `    curl ${url}/api/v1/auth/register -H 'content-type: application/json' -d '${body}'`,
  ];
}
