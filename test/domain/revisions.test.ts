import fc from 'fast-check';
import { expect, it } from 'vitest';
import { addRevision, hasRevision, type RevisionRanges } from '../../domain/revisions.js';

it('a set of revisions holds what was added and nothing else, in the fewest ranges', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(60)), (added) => {
      const ranges: RevisionRanges = [];
      for (const revision of added) addRevision(ranges, revision);
      for (let revision = 0; revision <= 61; revision += 1) {
        expect(hasRevision(ranges, revision)).toBe(added.includes(revision));
      }
      const runs = [...new Set(added)].filter((revision) => !added.includes(revision - 1)).length;
      expect(ranges).toHaveLength(runs);
    }),
  );
});
