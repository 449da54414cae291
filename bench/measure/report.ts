/** What a figure is to be. */
export interface Goal {
  readonly text: string;
  isMetBy(value: number): boolean;
}

export function atLeast(least: number): Goal {
  return { text: `>= ${least}`, isMetBy: (value) => value >= least };
}

export function atMost(most: number): Goal {
  return { text: `<= ${most}`, isMetBy: (value) => value <= most };
}

export interface Figure {
  readonly bench: string;
  readonly metric: string;
  readonly value: number;
  readonly unit: string;
  /** Without one, the figure only explains others. */
  readonly goal?: Goal;
}

/** Prints the figure as a JSON object on a line of its own; rounded, and judged as it is printed. */
export function report({ bench, metric, value: exact, unit, goal }: Figure): void {
  const value = Number(exact.toPrecision(4));
  const line = { bench, metric, value, unit, goal: goal?.text ?? null, ok: goal?.isMetBy(value) ?? null };
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
