import fc from 'fast-check';
import { projections } from '../../projections/catalogue.js';
import type { Projector } from '../../src/projector/port.js';
import { failing, stuttering, type WriteFault } from './projector-faults.js';
import { type Happening, happening, RandomHistory } from './projector-history.js';
import type { ProjectorWorld } from './projector-world.js';

type Step =
  | { readonly op: 'append'; readonly happenings: readonly Happening[] }
  | { readonly op: 'restart'; readonly pageSize: number; readonly repeated: number }
  | { readonly op: 'crash'; readonly pageSize: number; readonly repeated: number }
  | { readonly op: 'fault'; readonly fault: WriteFault }
  | { readonly op: 'rebuild' }
  | { readonly op: 'destroy keys' }
  | { readonly op: 'wait' };

const start = { pageSize: fc.integer({ min: 1, max: 7 }), repeated: fc.nat({ max: 3 }) };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      op: fc.constant('append' as const),
      happenings: fc.array(happening, { minLength: 1, maxLength: 12 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('restart' as const), ...start }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('crash' as const), ...start }) },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('fault' as const),
      fault: fc.constantFrom<WriteFault>('refused', 'written, but its answer is lost'),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ op: 'rebuild' as const }) },
  { weight: 1, arbitrary: fc.constant({ op: 'destroy keys' as const }) },
  { weight: 2, arbitrary: fc.constant({ op: 'wait' as const }) },
);

/** A projector that is stopped, killed and plagued. */
class PlaguedProjector {
  readonly #history = new RandomHistory();
  #projector: Projector | undefined;
  #nextFault: WriteFault = 'none';
  #killed = false;

  constructor(
    private readonly world: ProjectorWorld,
    private readonly leavesPrefixes: boolean,
  ) {}

  async do(step: Step): Promise<void> {
    switch (step.op) {
      case 'append':
        for (const each of step.happenings) {
          const happened = this.#history.next(each);
          if (happened) await this.world.append(happened.stream, happened.event);
        }
        break;
      case 'restart':
        await this.#projector?.stop();
        await this.start(step);
        break;
      case 'crash': {
        // Nothing of what it does while it ends reaches the store any more.
        this.#killed = true;
        await this.#projector?.stop();
        this.#killed = false;
        await this.world.reopenReadStore();
        if (this.leavesPrefixes) await this.world.expectPrefixes();
        await this.start(step);
        break;
      }
      case 'fault':
        this.#nextFault = step.fault;
        break;
      case 'rebuild':
        // A fault may make it fail; then the live generations stay.
        await this.#projector?.rebuild(undefined, { compare: true }).catch(() => undefined);
        break;
      case 'destroy keys':
        await this.world.keys.destroy(this.world.forgotten);
        break;
      case 'wait':
        await this.world.caughtUp();
        break;
    }
  }

  async start({ pageSize, repeated }: { pageSize: number; repeated: number }): Promise<void> {
    this.#nextFault = 'none';
    const readStore = failing(this.world.readStore, () => {
      const fault = this.#killed ? 'refused' : this.#nextFault;
      this.#nextFault = 'none';
      return fault;
    });
    const eventStore = stuttering(this.world.eventStore, repeated);
    this.#projector = await this.world.start({ eventStore, readStore, pageSize });
  }
}

export interface Plague {
  readonly runs: number;
  readonly mostSteps: number;
  /** Whether what a process leaves behind when it ends is what the log makes of it up to the checkpoint. */
  readonly leavesPrefixes: boolean;
}

/** The read models equal the fold of the log, and a rebuild of it, whatever happened to the projector. */
export async function expectToSurvive(
  openWorld: () => Promise<ProjectorWorld>,
  { runs, mostSteps, leavesPrefixes }: Plague,
): Promise<void> {
  const property = fc.asyncProperty(
    fc.array(step, { maxLength: mostSteps }),
    fc.record(start),
    async (steps, begin) => {
      const world = await openWorld();
      const projector = new PlaguedProjector(world, leavesPrefixes);
      await projector.start(begin);
      for (const each of steps) await projector.do(each);
      await projector.do({ op: 'restart', ...begin });
      await world.caughtUp();
      await world.expectAllRight();
      const documents = await Promise.all(projections.map((projection) => world.documents(projection)));
      await projector.do({ op: 'rebuild' });
      const rebuilt = await Promise.all(projections.map((projection) => world.documents(projection)));
      if (JSON.stringify(rebuilt) !== JSON.stringify(documents)) throw new Error('a rebuild makes other documents');
      await world.close();
    },
  );
  await fc.assert(property, { numRuns: runs });
}
