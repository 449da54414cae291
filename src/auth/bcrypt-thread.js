// @ts-check
// In JavaScript, since a thread is started from its file, which for tests is this one.
import { readlinkSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { basename } from 'node:path';
import { parentPort } from 'node:worker_threads';
import bcrypt from 'bcrypt';

/** What `BcryptThreads` has a thread of its own do: one task at a time, each answered by `{ result }` or `{ error }`. */

giveWay();
parentPort?.on('message', (task) => parentPort?.postMessage(answer(task)));

/**
 * @param {import('./bcrypt-threads.js').BcryptTask} task
 * @returns {import('./bcrypt-threads.js').BcryptAnswer}
 */
function answer(task) {
  try {
    const { password } = task;
    return { result: 'hash' in task ? bcrypt.compareSync(password, task.hash) : bcrypt.hashSync(password, task.cost) };
  } catch (error) {
    return { error: /** @type {Error} */ (error) };
  }
}

/** On Linux a priority is a thread's own; elsewhere this one keeps that of its process. */
function giveWay() {
  if (process.platform !== 'linux') return;
  try {
    setPriority(Number(basename(readlinkSync('/proc/thread-self'))), constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // A sandbox may keep /proc or priorities from us.
  }
}
