import { describe, it } from 'vitest';
import { expectToSurvive } from './projector-plague.js';
import { ProjectorWorld } from './projector-world.js';

describe('the read models in SQLite', () => {
  it('equal the fold of the log and a rebuild of it, whatever happened to the projector', async () => {
    await expectToSurvive(() => ProjectorWorld.open(), { runs: 40, mostSteps: 25, leavesPrefixes: true });
  }, 120_000);
});
