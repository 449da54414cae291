#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { version } from '../version.js';
import { addAdmin, addSessions } from './accounts.js';
import { addDoctor } from './doctor.js';
import { exitCodes, exitCodesText } from './exit-codes.js';
import { exitWith, failureOf } from './failure.js';
import { addImport } from './import.js';
import { addKeys } from './keys.js';
import { addRebuild } from './rebuild.js';
import { addReplay } from './replay.js';
import { addServe } from './serve.js';
import { addVerify } from './verify.js';

const program = new Command('parley')
  .description('A self-hosted backend for meetings, calls, chat, topics and courses.')
  .version(version)
  .addHelpText('afterAll', exitCodesText())
  .exitOverride();

addServe(program);
addImport(program);
addReplay(program);
addRebuild(program);
addVerify(program);
addKeys(program);
addAdmin(program);
addSessions(program);
addDoctor(program);

try {
  await program.parseAsync();
} catch (error) {
  // Commander has said already what is wrong with the command line.
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? exitCodes.done : exitCodes.usage;
  else exitWith(failureOf(error));
}
