/** What commands print: results on stdout, for a person or, asked for with `--json`, for a script. */

/** Positions are decimal strings in JSON, as everywhere. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value, (_key, part) => (typeof part === 'bigint' ? String(part) : part))}\n`);
}

export function printLines(lines: readonly string[]): void {
  process.stdout.write(lines.map((line) => `${line}\n`).join(''));
}

/** 1234567 as 1,234,567 */
export function grouped(count: number | bigint): string {
  return count.toLocaleString('en');
}

/** Lines `label  value`, the values below each other. */
export function table(rows: readonly (readonly [label: string, value: string])[]): string[] {
  const width = Math.max(...rows.map(([label]) => label.length));
  return rows.map(([label, value]) => `  ${label.padEnd(width)}  ${value}`);
}

/** Whoever read our output has stopped to, such as `head`: that is no failure. */
export function endWhenUnread(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
}
