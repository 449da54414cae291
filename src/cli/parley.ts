#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { version } from '../version.js';
import { exitCodes } from './exit-codes.js';
import { exitWith, failureOf } from './failure.js';
import { addServe } from './serve.js';

const program = new Command('parley')
  .description('A self-hosted backend for meetings, calls, chat, topics and courses.')
  .version(version)
  .exitOverride();

addServe(program);

try {
  await program.parseAsync();
} catch (error) {
  // Commander has said already what is wrong with the command line.
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  else exitWith(failureOf(error));
}
