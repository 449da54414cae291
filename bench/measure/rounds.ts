/** The middle one; of an even number, the lower of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] as number;
}

/** The value below which this share of the values lie. */
export function quantile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] as number;
}

/** Median of a figure over the rounds. */
export function medianOf<Round>(rounds: readonly Round[], figure: (round: Round) => number): number {
  return median(rounds.map(figure));
}

/**
 * Measures things in turns, so that what disturbs the machine for a while disturbs all of them: some times without
 * counting, since Node compiles what runs often only by and by, and then `rounds` times.
 * @returns what each of them gave, round by round
 */
export async function inTurns<Name extends string, Result>(
  { warmUps = 1, rounds }: { readonly warmUps?: number; readonly rounds: number },
  measurements: Readonly<Record<Name, () => Promise<Result>>>,
): Promise<Record<Name, Result>[]> {
  const results: Record<Name, Result>[] = [];
  for (let round = 0; round < warmUps + rounds; round += 1) {
    const result = {} as Record<Name, Result>;
    for (const name in measurements) result[name] = await measurements[name]();
    if (round >= warmUps) results.push(result);
  }
  return results;
}
