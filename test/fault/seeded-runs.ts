import { Random } from '../fixtures/random.js';

/**
 * How often a test runs, each time with a seed of its own, which its name tells: `<NAME>_ROUNDS` times (few unless told),
 * or once with the seed `<NAME>_SEED`.
 */
export function seededRuns(name: string, rounds: number): [title: string, random: Random][] {
  const given = process.env[`${name}_SEED`];
  const count = given === undefined ? Number(process.env[`${name}_ROUNDS`] ?? rounds) : 1;
  const first = Number(given ?? Date.now() % 1_000_000);
  return Array.from({ length: count }, (_, round) => [`${name}_SEED=${first + round}`, new Random(first + round)]);
}
