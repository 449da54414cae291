/** A set of revisions as sorted, disjoint ranges, both ends included: small while they lie together. */
export type RevisionRanges = [from: number, to: number][];

/** Index of the last range that starts at or before `revision`, or -1. */
function rangeBefore(ranges: RevisionRanges, revision: number): number {
  let low = 0;
  let high = ranges.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ranges[middle] as [number, number])[0] <= revision) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

export function hasRevision(ranges: RevisionRanges, revision: number): boolean {
  const range = ranges[rangeBefore(ranges, revision)];
  return range !== undefined && revision <= range[1];
}

/** Adds a revision in place, joining neighbouring ranges. */
export function addRevision(ranges: RevisionRanges, revision: number): void {
  const at = rangeBefore(ranges, revision);
  const before = ranges[at];
  const after = ranges[at + 1];
  if (before && revision <= before[1]) return;
  const joinsBefore = before !== undefined && before[1] === revision - 1;
  const joinsAfter = after !== undefined && after[0] === revision + 1;
  if (joinsBefore && joinsAfter) {
    before[1] = after[1];
    ranges.splice(at + 1, 1);
  } else if (joinsBefore) before[1] = revision;
  else if (joinsAfter) after[0] = revision;
  else ranges.splice(at + 1, 0, [revision, revision]);
}
